/** Times as readers see them, in the library's zone. */
export class LibraryTime {
  private readonly day: Intl.DateTimeFormat;
  private readonly full: Intl.DateTimeFormat;
  private readonly moment: Intl.DateTimeFormat;
  private readonly parts: Intl.DateTimeFormat;

  /** @param timeZone IANA zone */
  constructor(timeZone: string) {
    this.day = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'long', day: 'numeric', month: 'long' });
    this.full = new Intl.DateTimeFormat('en-GB', { timeZone, dateStyle: 'long' });
    this.moment = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short', hourCycle: 'h23' });
    this.parts = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  }

  /** `Friday 27 November` */
  date(at: Date): string {
    return this.day.format(at);
  }

  /** `27 November 2026` */
  fullDate(at: Date): string {
    return this.full.format(at);
  }

  /** `19:30` */
  time(at: Date): string {
    return this.moment.format(at);
  }

  /** `19:30:05` */
  second(at: Date): string {
    return this.parts.format(at).slice(11);
  }

  /** `2026-11-27T19:30`, what a `datetime-local` field holds. */
  field(at: Date): string {
    return this.parts.format(at).slice(0, 16).replace(' ', 'T');
  }

  /**
   * The moment that a `datetime-local` field means. Of a time that the clock shows twice it is the first; one that it
   * leaves out counts as if the clock had not been put forward.
   */
  fromField(field: string): Date {
    const asUtc = new Date(`${field}Z`);
    const before = new Date(asUtc.getTime() - this.offset(new Date(asUtc.getTime() - DAY)));
    const after = new Date(asUtc.getTime() - this.offset(new Date(asUtc.getTime() + DAY)));
    return this.field(before) === field.slice(0, 16) || this.field(after) !== field.slice(0, 16) ? before : after;
  }

  private offset(at: Date): number {
    return new Date(`${this.parts.format(at).replace(' ', 'T')}Z`).getTime() - at.getTime();
  }
}

const DAY = 86_400_000;
