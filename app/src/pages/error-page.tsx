import { STATUS_CODES } from 'node:http';
import type { Problem } from '../http/problem';

/** A problem for people. */
export function ErrorPage({ problem, requestId }: { readonly problem: Problem; readonly requestId: string }) {
  return (
    <article class="narrow">
      <h1>{HEADINGS[problem.status] ?? STATUS_CODES[problem.status] ?? 'Error'}</h1>
      <p>{problem.detail}</p>
      {problem.status >= 500 ? <p class="hint">Request {requestId}</p> : null}
      <p>
        <a href="/">To the screenings</a>
      </p>
    </article>
  );
}

const HEADINGS: Readonly<Record<number, string>> = {
  404: 'Not found',
  409: 'Somebody else was faster',
  429: 'Too many attempts',
  503: 'Back in a moment',
};
