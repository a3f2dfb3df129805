import { z } from 'zod';
import type { App } from '../http/app';
import type { Limits } from '../http/client-limits';
import { checkForm, EMPTY_FORM, Field } from '../pages/forms';
import type { FormState } from '../pages/forms';
import { redirectWithNotice } from '../pages/page';
import type { SendPage } from '../pages/page';
import type { StaffSessions } from './sessions';

const HOME = '/staff/screenings';
const BASE = 'http://inside.invalid';

function SignIn({ form, next }: { readonly form: FormState; readonly next: string }) {
  return (
    <article class="narrow">
      <h1>Staff sign-in</h1>
      <form method="post" action="/sign-in" class="card">
        <input type="hidden" name="next" value={next} />
        <Field form={form} name="password" label="Password" type="password" required autocomplete="current-password" />
        <button>Sign in</button>
      </form>
    </article>
  );
}

const signInForm = z.object({
  password: z.string('is missing').min(1, 'is missing'),
  next: z.string().optional(),
});

export interface SignInDependencies {
  readonly send: SendPage;
  readonly sessions: StaffSessions;
  readonly limits: Limits;
}

export function registerSignInPages(app: App, { send, sessions, limits }: SignInDependencies): void {
  app.get('/sign-in', { schema: { hide: true } }, (request, reply) => {
    const { next } = request.query as { readonly next?: unknown };
    return send(request, reply, { title: 'Staff sign-in', body: <SignIn form={EMPTY_FORM} next={inside(next)} /> });
  });
  app.post('/sign-in', { schema: { hide: true }, onRequest: limits.signIns }, (request, reply) => {
    const checked = checkForm(signInForm, request.body);
    if (checked.ok && sessions.isPassword(checked.value.password)) {
      sessions.open(request, reply);
      return reply.redirect(inside(checked.value.next), 303);
    }
    const form = checked.ok ? { values: {}, errors: { password: 'is wrong' } } : checked.form;
    const body = <SignIn form={form} next={inside(checked.ok ? checked.value.next : checked.form.values['next'])} />;
    return send(request, reply, { title: 'Staff sign-in', status: 400, body });
  });
  app.post('/sign-out', { schema: { hide: true } }, (_request, reply) => {
    sessions.close(reply);
    return redirectWithNotice(reply, '/', 'You are signed out.');
  });
}

/** A path of this site, never another one's. */
function inside(next: unknown): string {
  if (typeof next !== 'string' || !next.startsWith('/') || !URL.canParse(next, BASE)) return HOME;
  // As a browser reads it: it drops tabs and line ends, and takes backslashes for slashes.
  const url = new URL(next, BASE);
  return url.origin === BASE && !url.pathname.startsWith('//') ? `${url.pathname}${url.search}` : HOME;
}
