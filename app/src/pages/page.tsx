import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ComponentChildren } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { pathOf } from '../http/path-of';
import type { SendProblem } from '../http/server';
import type { Library } from '../library/library';
import type { StaffSessions } from '../staff/sessions';
import { ErrorPage } from './error-page';
import { Layout } from './layout';
import type { LayoutProps } from './layout';

export interface PageDependencies {
  readonly library: Library;
  readonly sessions: StaffSessions;
}

export interface PageContent {
  readonly title: string;
  readonly body: ComponentChildren;
  /** HTTP status. @default 200 */
  readonly status?: number;
  /** Seconds after which a browser without JavaScript asks for the page again. @default never */
  readonly refreshSeconds?: number | undefined;
}

export type SendPage = (request: FastifyRequest, reply: FastifyReply, content: PageContent) => FastifyReply;

type Cookies = FastifyRequest['cookies'];

const NOTICE = 'notice';
export const HTML = 'text/html; charset=utf-8';

/** A whole HTML document. */
export function renderPage(props: LayoutProps): string {
  return `<!doctype html>${renderToString(<Layout {...props} />)}`;
}

/** Whether the page would be the same for every reader: nobody is signed in, and nothing is to be said once. */
export function isForEverybody(request: FastifyRequest, sessions: StaffSessions): boolean {
  return request.cookies[NOTICE] === undefined && !sessions.isStaff(request);
}

/** Answers with a whole HTML page, and with what `redirectWithNotice` left for it. */
export function pageSender({ library, sessions }: PageDependencies): SendPage {
  return (request, reply, { title, body, status = 200, refreshSeconds }) => {
    // Of a request that is none, the cookies have not been read.
    const notice = (request.cookies as Cookies | undefined)?.[NOTICE];
    if (notice !== undefined) void reply.clearCookie(NOTICE, { path: '/' });
    const staff = sessions.isStaff(request);
    const html = renderPage({ library, title, path: pathOf(request), staff, notice, refreshSeconds, children: body });
    return reply.code(status).type(HTML).send(html);
  };
}

/** Answers people with what went wrong. */
export function problemPageSender(send: SendPage): SendProblem {
  return (problem, request, reply) =>
    send(request, reply, {
      title: 'Error',
      status: problem.status,
      body: <ErrorPage problem={problem} requestId={request.id} />,
    });
}

/** Leads on after a form that was sent, with a sentence for the next page. */
export function redirectWithNotice(reply: FastifyReply, path: string, notice: string): FastifyReply {
  return reply
    .setCookie(NOTICE, notice, { path: '/', httpOnly: true, sameSite: 'lax', maxAge: 60 })
    .redirect(path, 303);
}
