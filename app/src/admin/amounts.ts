const NUMBER = new Intl.NumberFormat('en-GB');

/** `12,345` */
export function count(value: number): string {
  return NUMBER.format(value);
}

/** `1 task`, `12,345 tasks` */
export function countOf(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `0.4 s`, `12 s`, `5 min`, `2 h 5 min`, `3 d 4 h`: two units at most. */
export function duration(seconds: number): string {
  const whole = Math.round(Math.max(0, seconds));
  if (seconds > 0 && seconds < 1) return `${Math.max(0.1, Math.round(seconds * 10) / 10)} s`;
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? pair(hours, 'h', minutes % 60, 'min') : pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function pair(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}
