/** What a drawn thing is; colour, corners and words say it together. */
export type Role = 'kept' | 'replaceable' | 'zone' | 'outside';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

type Anchor = 'start' | 'middle' | 'end';
type TextStyle = 'title' | 'heading' | 'name' | 'detail';

/** Font sizes in units of the picture; at 800 px they are shown at 0.69 of this. */
const SIZES = { title: 24, heading: 17, name: 17, detail: 15 } as const;
/** A wide estimate of a character's width in a system font, in parts of the font's size. */
const CHARACTER_WIDTH = 0.54;
const CORNERS: Record<Role, number> = { kept: 0, replaceable: 12, zone: 0, outside: 28 };

const STYLE = `
  :root { --paper: #ffffff; --ink: #1c2530; --soft: #56616e; --line: #a3adb8;
    --kept: #8a5a00; --kept-fill: #fff4dc; --moves: #1257b0; --moves-fill: #e6f0fd; --deep: #ffffff; }
  @media (prefers-color-scheme: dark) { :root { --paper: #12171d; --ink: #e8edf3; --soft: #a4b0bd; --line: #55616e;
    --kept: #e3b04b; --kept-fill: #2e2613; --moves: #79b1f7; --moves-fill: #16283f; --deep: #12171d; } }
  text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; fill: var(--ink); }
  .title { font-size: ${SIZES.title}px; font-weight: 650; }
  .heading { font-size: ${SIZES.heading}px; font-weight: 600; fill: var(--soft); }
  .name { font-size: ${SIZES.name}px; font-weight: 600; }
  .detail { font-size: ${SIZES.detail}px; fill: var(--soft); }
  .paper { fill: var(--paper); }
  .kept { fill: var(--kept-fill); stroke: var(--kept); stroke-width: 2; }
  .replaceable { fill: var(--moves-fill); stroke: var(--moves); stroke-width: 2; }
  .zone { stroke: var(--line); stroke-width: 1.5; stroke-dasharray: 3 5; }
  .outside { fill: var(--paper); stroke: var(--ink); stroke-width: 1.5; }
  .frame { fill: none; }
  .deep { fill: var(--deep); }
  .once { stroke-dasharray: 8 5; }
  .arrow { fill: none; stroke: var(--ink); stroke-width: 2; marker-end: url(#head); }
  .both { marker-start: url(#head); }
  .head { fill: var(--ink); }
`;

/** Collects the parts of a picture; what is added later lies on top. */
export class Picture {
  private readonly parts: string[] = [];

  constructor(
    private readonly width: number,
    private readonly height: number,
    private readonly title: string,
    private readonly description: string,
  ) {}

  /** @param look `frame` has no filling, `deep` the paper's, `once` a dashed line. */
  box({ x, y, width, height }: Box, role: Role, ...look: readonly ('frame' | 'deep' | 'once')[]): void {
    const names = [role, ...look].join(' ');
    this.parts.push(
      `<rect class="${names}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${CORNERS[role]}"/>`,
    );
  }

  /** @throws Error when the text is wider than `room`, so that no label runs out of its box unseen. */
  text(text: string, { x, y }: Point, style: TextStyle, room: number, anchor: Anchor = 'start'): void {
    const width = Math.ceil(text.length * SIZES[style] * CHARACTER_WIDTH);
    if (width > room) throw new Error(`the label "${text}" needs about ${width} units and has ${room}`);
    this.parts.push(`<text class="${style}" x="${x}" y="${y}" text-anchor="${anchor}">${escape(text)}</text>`);
  }

  /** A horizontal line that parts a zone. */
  rule({ x, y }: Point, width: number): void {
    this.parts.push(`<path class="zone" d="M${x} ${y}H${x + width}"/>`);
  }

  /** A box with a name and details below it, each on a line of its own. */
  labelled(box: Box, role: Role, [name, ...details]: readonly [string, ...string[]]): void {
    this.box(box, role);
    this.lines(box, name, details);
  }

  /** Name and details in the middle of a box that is already drawn. */
  lines(box: Box, name: string, details: readonly string[]): void {
    const x = box.x + box.width / 2;
    const room = box.width - 8;
    const leading = 20;
    const first = box.y + box.height / 2 + 6 - (details.length * leading) / 2;
    this.text(name, { x, y: first }, 'name', room, 'middle');
    details.forEach((detail, index) =>
      this.text(detail, { x, y: first + leading * (index + 1) }, 'detail', room, 'middle'),
    );
  }

  arrow(points: readonly [Point, Point, ...Point[]], ends: 'one' | 'both' = 'one'): void {
    const [start, ...rest] = points;
    const path = `M${start.x} ${start.y}${rest.map(({ x, y }) => `L${x} ${y}`).join('')}`;
    this.parts.push(`<path class="arrow${ends === 'both' ? ' both' : ''}" d="${path}"/>`);
  }

  toString(): string {
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${this.width} ${this.height}" width="${this.width}" height="${this.height}" role="img" aria-labelledby="title description">`,
      `<title id="title">${escape(this.title)}</title>`,
      `<desc id="description">${escape(this.description)}</desc>`,
      `<style>${STYLE}</style>`,
      '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="head" d="M0 0L10 5L0 10z"/></marker></defs>',
      `<rect class="paper" width="${this.width}" height="${this.height}"/>`,
      ...this.parts,
      '</svg>',
      '',
    ].join('\n');
  }
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
