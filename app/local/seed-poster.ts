import sharp from 'sharp';

const WIDTH = 800;
const HEIGHT = 1200;
/** Sky above, sky below, sun, hills. */
const PALETTES = [
  ['#1b2a49', '#e07a3f', '#f6d186', '#101a2c'],
  ['#2d1b3d', '#b0415a', '#f2b5a0', '#1a0f26'],
  ['#0f3b3a', '#5fa777', '#f3e9b5', '#082423'],
  ['#3a2a12', '#c9962f', '#fbeec1', '#20160a'],
  ['#14233c', '#4a7fb0', '#e8f0f2', '#0b1422'],
] as const;

/** A poster in the manner of old travel posters, the same for the same title: a sun over hills and a beam of light. */
export function drawPoster(title: string): Promise<Buffer> {
  const random = numbersFrom(title);
  const [above, below, sun, hills] = PALETTES[Math.floor(random() * PALETTES.length)] ?? PALETTES[0];
  const at = { x: WIDTH * (0.25 + random() / 2), y: HEIGHT * (0.25 + random() / 4), radius: 90 + random() * 110 };
  const beam = WIDTH * (0.2 + random() * 0.6);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
    <defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-color="${above}"/><stop offset="1" stop-color="${below}"/>
    </linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#sky)"/>
    <polygon points="${beam},${HEIGHT} ${at.x - 3 * at.radius},0 ${at.x + 3 * at.radius},0" fill="${sun}" opacity="0.18"/>
    <circle cx="${at.x}" cy="${at.y}" r="${at.radius}" fill="${sun}"/>
    ${[0.5, 0.7, 1].map((depth) => ridge(random, depth, hills)).join('')}
  </svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/** A row of hills; the nearer, the lower and the darker. */
function ridge(random: () => number, depth: number, colour: string): string {
  const top = HEIGHT * (0.5 + depth * 0.3);
  const points = Array.from({ length: 7 }, (_, i) => `${(i * WIDTH) / 6},${top + random() * 160 - 80}`);
  return `<polygon points="0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}" fill="${colour}" opacity="${depth * 0.9}"/>`;
}

/** Numbers from 0 to 1 that depend on the text only: the generator mulberry32 behind a hash (FNV-1a). */
function numbersFrom(text: string): () => number {
  let state = 2_166_136_261;
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
