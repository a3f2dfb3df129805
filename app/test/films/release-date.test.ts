import { latestRelease, parseReleaseDate } from '../../src/films/release-date';

test.each([
  ['Jun 12 1998', '1998-06-12'],
  ['Aug 7 1998', '1998-08-07'],
  ['Feb 29 2000', '2000-02-29'],
  ['1998-06-12', '1998-06-12'],
  ['Feb 29 1999', undefined],
  ['Feb 30 2000', undefined],
  ['Jun 00 1998', undefined],
  ['Jux 12 1998', undefined],
  ['jun 12 1998', undefined],
  ['12 Jun 1998', undefined],
  ['Jun 12 98', undefined],
  ['6/12/1998', undefined],
  ['1998-13-01', undefined],
  ['1998-6-1', undefined],
  ['1998', undefined],
  ['TBD', undefined],
  ['', undefined],
])('the release date %j is %s', (text, wanted) => {
  expect(parseReleaseDate(text)).toBe(wanted);
});

test('films may be announced for five years from the day of the upload', () => {
  expect(latestRelease(new Date('2026-11-21T12:00:00Z'))).toBe('2031-11-21');
  expect(latestRelease(new Date('2028-02-29T00:00:00Z'))).toBe('2033-03-01');
});
