import type { ComponentChildren } from 'preact';
import type { Library } from '../library/library';
import { asset } from './assets';

export interface LayoutProps {
  readonly library: Library;
  /** What the page is about; the library's name is added. */
  readonly title: string;
  /** Path of the page, so that the navigation can say where the reader is. */
  readonly path: string;
  /** Shows what only staff can use. */
  readonly staff: boolean;
  /** What the last action did, said once. */
  readonly notice?: string | undefined;
  /** Seconds after which a browser without JavaScript asks for the page again. @default never */
  readonly refreshSeconds?: number | undefined;
  readonly children: ComponentChildren;
}

const READERS = [
  ['/', 'Screenings'],
  ['/news', 'News'],
] as const;
const STAFF = [
  ['/staff/screenings', 'Staff'],
  ['/admin', 'Admin'],
] as const;

/** Every page: the head, the navigation, the reader's place in it, and the foot. */
export function Layout({ library, title, path, staff, notice, refreshSeconds, children }: LayoutProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {refreshSeconds === undefined ? null : (
          <noscript>
            <meta http-equiv="refresh" content={String(refreshSeconds)} />
          </noscript>
        )}
        <title>{`${title} · ${library.name}`}</title>
        <link rel="icon" href={asset('icon.svg')} type="image/svg+xml" />
        <link rel="stylesheet" href={asset('site.css')} />
        <script type="module" src={asset('site.js')} />
      </head>
      <body>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <header class="site">
          <a class="brand" href="/">
            <img src={asset('icon.svg')} alt="" width="28" height="28" />
            {library.name}
          </a>
          <nav aria-label="Main">
            <ul>
              {[...READERS, ...(staff ? STAFF : [])].map(([href, name]) => (
                <li key={href}>
                  <a href={href} aria-current={isHere(href, path) ? 'page' : undefined}>
                    {name}
                  </a>
                </li>
              ))}
              <li>
                {staff ? (
                  <form method="post" action="/sign-out">
                    <button class="link">Sign out</button>
                  </form>
                ) : (
                  <a href="/sign-in" aria-current={path === '/sign-in' ? 'page' : undefined}>
                    Staff
                  </a>
                )}
              </li>
            </ul>
          </nav>
        </header>
        <main id="content" tabIndex={-1}>
          {notice === undefined ? null : (
            <p class="notice" role="status">
              {notice}
            </p>
          )}
          {children}
        </main>
        <footer class="site">
          <p>
            {library.name} · <a href="/docs">API</a>
          </p>
        </footer>
      </body>
    </html>
  );
}

function isHere(href: string, path: string): boolean {
  return href === '/' ? path === '/' || path.startsWith('/screenings') : path === href || path.startsWith(`${href}/`);
}
