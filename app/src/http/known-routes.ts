import type { App } from './app';

/** Remembers the routes as they are registered, to tell a wrong method from a wrong path. */
export function rememberRoutes(app: App): (path: string) => readonly string[] {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', (route) => {
    const known = methods.get(route.url) ?? new Set();
    for (const method of [route.method].flat()) known.add(method);
    methods.set(route.url, known);
  });
  return (path) => [...methods].filter(([pattern]) => matches(pattern, path)).flatMap(([, known]) => [...known]);
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.includes('*')) return false;
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => (part.startsWith(':') ? given[i] !== '' : part === given[i]))
  );
}
