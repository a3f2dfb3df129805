import type { Screening } from '../screenings/screening';
import { picturesOf } from './poster';

interface PosterImageProps {
  readonly screening: Screening;
  /** How wide pages show it, as of the attribute `sizes`. */
  readonly sizes: string;
}

/** The poster of a screening, or a stand-in in the colours of its title. */
export function PosterImage({ screening, sizes }: PosterImageProps) {
  const { id, title, poster } = screening;
  const [first, ...others] = poster === null ? [] : picturesOf(id, poster);
  if (first === undefined) {
    return (
      <span class={`poster tint-${title.length % 6}`} aria-hidden="true">
        {Array.from(title)[0]}
      </span>
    );
  }
  return (
    <span class="poster">
      <img
        src={first.url}
        srcset={[first, ...others].map(({ url, width }) => `${url} ${width}w`).join(', ')}
        sizes={sizes}
        width={first.width}
        height={first.height}
        alt={`Poster of ${title}`}
        loading="lazy"
        decoding="async"
      />
    </span>
  );
}
