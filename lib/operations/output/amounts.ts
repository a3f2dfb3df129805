const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `0 s`, `45 s`, `3 min`, `2 h 5 min`, `4 days`: two units at most, and no more than matters. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 2 * MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.round(whole / MINUTE)} min`;
  if (whole < 2 * DAY) {
    const minutes = Math.round((whole % HOUR) / MINUTE);
    const hours = Math.floor(whole / HOUR) + (minutes === 60 ? 1 : 0);
    return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
  }
  return `${Math.floor(whole / DAY)} days`;
}

/** `12,345` */
export function count(number: number): string {
  return number.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** `1 task`, `2 tasks`, `12,345 tasks` */
export function counted(number: number, one: string, several = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : several}`;
}

/** `2026-11-27 05:31:13 UTC` */
export function moment(time: string | Date): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `3 min ago` */
export function ago(time: string | Date, now = Date.now()): string {
  return `${duration((now - new Date(time).getTime()) / 1_000)} ago`;
}

/** `207.57 USD` */
export function usd(amount: number): string {
  return `${amount.toFixed(2)} USD`;
}
