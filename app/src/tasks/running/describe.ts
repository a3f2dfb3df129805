const MAX_ERROR_LENGTH = 4_000;

/** One line about whatever was thrown that PostgreSQL can store. Never throws: not everything that is thrown has a text. */
export function describe(thrown: unknown): string {
  let text: string;
  try {
    text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  } catch {
    text = 'what was thrown cannot be shown as text';
  }
  return text.slice(0, MAX_ERROR_LENGTH).replaceAll('\u0000', '');
}
