/** The image that the tests build. */
export const IMAGE = 'holdfast-app:test';
