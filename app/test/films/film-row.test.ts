import { filmRowChecker } from '../../src/films/film-row';

const check = filmRowChecker(new Date('2026-11-21T12:00:00Z'));
const GOOD = { Title: 'Up', 'Release Date': 'May 29 2009' };
const DATE_RULE = 'allowed is a day from 1888-10-14 to 2031-11-21, written Jun 12 1998 or 1998-06-12';

describe('filmRowChecker', () => {
  test('takes a film with everything', () => {
    const row = {
      ...GOOD,
      'US Gross': 293_004_164,
      'Worldwide Gross': 731_304_609,
      'US DVD Sales': 178_459_329,
      'Production Budget': 175_000_000,
      'MPAA Rating': 'PG',
      'Running Time min': 96,
      Distributor: ' Walt Disney Pictures ',
      Source: 'Original Screenplay',
      'Major Genre': 'Adventure',
      'Creative Type': 'Kids Fiction',
      Director: 'Pete Docter',
      'Rotten Tomatoes Rating': 98,
      'IMDB Rating': 8.4,
      'IMDB Votes': 110_491,
    };
    expect(check(row)).toEqual({
      film: {
        title: 'Up',
        releaseDate: '2009-05-29',
        usGrossUsd: 293_004_164,
        worldwideGrossUsd: 731_304_609,
        usDvdSalesUsd: 178_459_329,
        productionBudgetUsd: 175_000_000,
        mpaaRating: 'PG',
        runningTimeMinutes: 96,
        distributor: 'Walt Disney Pictures',
        source: 'Original Screenplay',
        majorGenre: 'Adventure',
        creativeType: 'Kids Fiction',
        director: 'Pete Docter',
        rottenTomatoesPercent: 98,
        imdbRating: 8.4,
        imdbVotes: 110_491,
      },
    });
  });

  test('takes a film of which only title and date are known; missing and null are the same', () => {
    const checked = check(GOOD);
    const film = 'film' in checked ? checked.film : {};
    expect(film).toMatchObject({ title: 'Up', releaseDate: '2009-05-29' });
    expect(Object.values(film).filter((value) => value === null)).toHaveLength(14);
    expect(check({ ...GOOD, 'US Gross': null, Director: null })).toEqual({ film });
  });

  test('takes a title that is a number as text', () => {
    expect(check({ ...GOOD, Title: 1941 })).toMatchObject({ film: { title: '1941' } });
  });

  test.each([
    ['a missing title', { 'Release Date': 'May 29 2009' }, 'Title is missing; allowed is text of 1 to 300 characters'],
    ['no title', { ...GOOD, Title: null }, 'Title is null; allowed is text of 1 to 300 characters'],
    ['a blank title', { ...GOOD, Title: '  ' }, 'Title is ""; allowed is text of 1 to 300 characters'],
    ['a title that is a list', { ...GOOD, Title: ['Up'] }, 'Title is ["Up"]; allowed is text of 1 to 300 characters'],
    [
      'U+0000',
      { ...GOOD, Title: 'U\0p' },
      'Title holds U+0000 or half of a surrogate pair, which cannot be stored; leave that character out',
    ],
    [
      'half a character',
      { ...GOOD, Director: '\ud83d' },
      'Director holds U+0000 or half of a surrogate pair, which cannot be stored; leave that character out',
    ],
    ['a missing date', { Title: 'Up' }, `Release Date is missing; ${DATE_RULE}`],
    [
      'a day before all films',
      { ...GOOD, 'Release Date': 'Oct 13 1888' },
      `Release Date is "Oct 13 1888"; ${DATE_RULE}`,
    ],
    [
      'a two-digit year read as the wrong century',
      { ...GOOD, 'Release Date': 'Mar 09 2033' },
      `Release Date is "Mar 09 2033"; ${DATE_RULE}`,
    ],
    [
      'a day that does not exist',
      { ...GOOD, 'Release Date': 'Feb 30 2009' },
      `Release Date is "Feb 30 2009"; ${DATE_RULE}`,
    ],
    ['a date that is a number', { ...GOOD, 'Release Date': 2009 }, `Release Date is 2009; ${DATE_RULE}`],
    [
      'money below zero',
      { ...GOOD, 'US Gross': -1 },
      'US Gross is -1; allowed is a whole number from 0 to 100000000000',
    ],
    ['cents', { ...GOOD, 'US Gross': 0.5 }, 'US Gross is 0.5; allowed is a whole number from 0 to 100000000000'],
    [
      'money as text',
      { ...GOOD, 'Production Budget': '$5' },
      'Production Budget is "$5"; allowed is a whole number from 0 to 100000000000',
    ],
    ['a rating over 10', { ...GOOD, 'IMDB Rating': 11 }, 'IMDB Rating is 11; allowed is a number from 0 to 10'],
    [
      '101 percent',
      { ...GOOD, 'Rotten Tomatoes Rating': 101 },
      'Rotten Tomatoes Rating is 101; allowed is a whole number from 0 to 100',
    ],
    [
      'a film without length',
      { ...GOOD, 'Running Time min': 0 },
      'Running Time min is 0; allowed is a whole number from 1 to 6000',
    ],
    ['no object', 7, 'the row is 7; allowed is an object'],
    ['null', null, 'the row is missing; allowed is an object'],
    ['an array', [GOOD], /^the row is \[\{"Title":"Up",.*; allowed is an object$/],
    [
      'several mistakes',
      { Title: '', 'Release Date': 'soon' },
      `Title is ""; allowed is text of 1 to 300 characters; Release Date is "soon"; ${DATE_RULE}`,
    ],
    [
      'an unknown field',
      { ...GOOD, Colour: 'red' },
      /^Colour is not a known field; allowed are Title, US Gross, .*, IMDB Votes$/,
    ],
  ])('refuses %s', (_what, row, reason) => {
    const checked = check(row) as { reason: string };
    if (typeof reason === 'string') expect(checked.reason).toBe(reason);
    else expect(checked.reason).toMatch(reason);
  });
});
