import { SAMPLE_SECONDS } from '../queues/queue-history';
import type { LibraryTime } from '../library/time';

export interface Point {
  readonly at: Date;
  readonly value: number;
}

export interface ChartProps {
  /** What is drawn, for example `Backlog of imports`. */
  readonly label: string;
  /** Oldest first; more than two samples without one are a gap in the line. */
  readonly points: readonly Point[];
  /** The right end of the time axis. */
  readonly now: Date;
  /** Length of the time axis. */
  readonly seconds: number;
  /** A value with its unit. */
  readonly format: (value: number) => string;
  readonly time: LibraryTime;
  /** Class of the line, which gives it its colour. */
  readonly tone: 'backlog' | 'age';
}

const WIDTH = 320;
const HEIGHT = 116;
const LEFT = 4;
const RIGHT = 316;
const TOP = 24;
const BOTTOM = 92;
const GAP_MS = 2.5 * SAMPLE_SECONDS * 1000;

/** A line over the last while, drawn by the server; what it shows is said in words as well. */
export function Chart({ label, points, now, seconds, format, time, tone }: ChartProps) {
  const begin = now.getTime() - seconds * 1000;
  const most = points.reduce((highest, point) => Math.max(highest, point.value), 0);
  const top = Math.max(1, most);
  const place = ({ at, value }: Point): Place => ({
    x: round(LEFT + ((at.getTime() - begin) / (seconds * 1000)) * (RIGHT - LEFT)),
    y: round(BOTTOM - (value / top) * (BOTTOM - TOP)),
  });
  const lines = pieces(points.filter(({ at }) => at.getTime() >= begin)).map((piece) => piece.map(place));
  return (
    <svg class={`chart ${tone}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={inWords()}>
      <path class="grid" d={`M${LEFT} ${TOP}H${RIGHT}M${LEFT} ${BOTTOM}H${RIGHT}`} />
      {lines.map((line, index) => (
        <g key={index}>
          <path class="area" d={area(line)} />
          <path class="line" d={path(line)} />
        </g>
      ))}
      <text x={LEFT} y={TOP - 7}>
        {format(top)}
      </text>
      <text x={LEFT} y={HEIGHT - 5}>
        {time.time(new Date(begin))}
      </text>
      <text x={(LEFT + RIGHT) / 2} y={HEIGHT - 5} text-anchor="middle">
        {time.time(new Date(begin + seconds * 500))}
      </text>
      <text x={RIGHT} y={HEIGHT - 5} text-anchor="end">
        {time.time(now)}
      </text>
    </svg>
  );

  function inWords(): string {
    const last = points.at(-1);
    if (last === undefined) return `${label}: nothing is known of the last hour yet.`;
    const highest = points.find(({ value }) => value === most) ?? last;
    const peak = most === 0 ? 'never more than 0' : `at most ${format(most)}, at ${time.time(highest.at)}`;
    return `${label} over the last hour: ${format(last.value)} now, ${peak}.`;
  }
}

interface Place {
  readonly x: number;
  readonly y: number;
}

function pieces(points: readonly Point[]): Point[][] {
  const found: Point[][] = [];
  for (const point of points) {
    const piece = found.at(-1);
    const last = piece?.at(-1);
    if (piece === undefined || last === undefined || point.at.getTime() - last.at.getTime() > GAP_MS)
      found.push([point]);
    else piece.push(point);
  }
  return found;
}

/** Along a level stretch its ends are enough. */
function path(line: readonly Place[]): string {
  const bends = line.filter(({ y }, index) => y !== line[index - 1]?.y || y !== line[index + 1]?.y);
  const [first] = bends;
  if (first === undefined) return '';
  return bends.length === 1 ? `M${first.x} ${first.y}h0` : `M${bends.map(({ x, y }) => `${x} ${y}`).join('L')}`;
}

function area(line: readonly Place[]): string {
  return `${path(line)}V${BOTTOM}H${line[0]?.x ?? LEFT}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
