import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const MOVIES_FILE = join(dirname(require.resolve('vega-datasets')), '..', 'data', 'movies.json');

export interface Movie {
  readonly Title: string | number | null;
  readonly 'Release Date': string;
}

export function readMovies(): readonly Movie[] {
  return JSON.parse(readFileSync(MOVIES_FILE, 'utf8')) as Movie[];
}

/** Counts in another way than the app which elements it must refuse: by title, and by the year of the release. */
export function expectedRefusals(movies: readonly Movie[]): number[] {
  const limit = new Date();
  limit.setUTCFullYear(limit.getUTCFullYear() + 5);
  return movies.flatMap((movie, i) => {
    const tooLate = new Date(`${movie['Release Date']} UTC`) > limit;
    return movie.Title === null || tooLate ? [i + 1] : [];
  });
}
