import { isObject } from './values';

/** Keys that tell apart what excludes each other at a place; a value with none of them is the place's own kind. */
function alternativesAt(path: readonly string[]): readonly string[] {
  if (path.at(-1) === 'image') return ['reference'];
  const [place = '', ...deeper] = path;
  return deeper.length === 0 ? (ALTERNATIVES[place] ?? []) : [];
}

const ALTERNATIVES: Readonly<Record<string, readonly string[]>> = {
  network: ['existing'],
  database: ['existing'],
  redis: ['existing'],
  tls: ['domain', 'certificateArn', 'httpOnly'],
};

/**
 * Lays values over one another, the last on top: objects are merged key by key, anything else replaces what is below.
 * Where values exclude each other (`existing` and the sizes of a new database), the topmost decides, and only layers of
 * its kind count: over a common `existing` a stage's `instanceClass` starts from the preset again.
 */
export function mergeLayers(layers: readonly unknown[], path: readonly string[] = []): unknown {
  const given = layers.filter((layer) => layer !== undefined);
  const top = given.at(-1);
  if (!isObject(top)) return top;
  const bottom = given.findLastIndex((layer) => !isObject(layer)) + 1;
  const objects = ofOneKind(given.slice(bottom).filter(isObject), alternativesAt(path));
  const keys = [...new Set(objects.flatMap((layer) => Object.keys(layer)))];
  return Object.fromEntries(
    keys.map((key) => [
      key,
      mergeLayers(
        objects.map((layer) => (Object.hasOwn(layer, key) ? layer[key] : undefined)),
        [...path, key],
      ),
    ]),
  );
}

type Layer = Readonly<Record<string, unknown>>;

function ofOneKind(layers: readonly Layer[], alternatives: readonly string[]): readonly Layer[] {
  if (alternatives.length === 0) return layers;
  const kindOf = (layer: Layer) => alternatives.find((key) => layer[key] !== undefined) ?? '';
  const decisive = layers.findLast((layer) => Object.keys(layer).length > 0);
  return decisive === undefined ? layers : layers.filter((layer) => kindOf(layer) === kindOf(decisive));
}
