import type { z } from 'zod';

/** What a form's reader typed, and what is wrong with it, by the field's name. */
export interface FormState {
  readonly values: Readonly<Record<string, string>>;
  readonly errors: Readonly<Record<string, string>>;
}

export const EMPTY_FORM: FormState = { values: {}, errors: {} };

export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly form: FormState };

/** Checks the fields of a form that was sent; a field that comes twice, or is no text, counts as missing. */
export function checkForm<Schema extends z.ZodType>(schema: Schema, body: unknown): Checked<z.output<Schema>> {
  const values = textsOf(body);
  const result = schema.safeParse(values);
  if (result.success) return { ok: true, value: result.data };
  const errors: Record<string, string> = {};
  for (const issue of result.error.issues) errors[issue.path.join('.')] ??= issue.message;
  return { ok: false, form: { values, errors } };
}

function textsOf(body: unknown): Record<string, string> {
  const entries = typeof body === 'object' && body !== null ? Object.entries(body) : [];
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value.trim()]] : [])),
  );
}

type InputType = 'text' | 'password' | 'email' | 'tel' | 'datetime-local';

interface FieldProps {
  readonly form: FormState;
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** `textarea`, or the type of an input. @default text */
  readonly type?: InputType | 'textarea';
  readonly value?: string;
  readonly required?: boolean;
  readonly maxLength?: number;
  readonly autocomplete?: string;
  /** Which keys a telephone shows. */
  readonly inputMode?: 'numeric';
}

/** A labelled field with its hint and, after a failed attempt, what is wrong with it. */
export function Field(props: FieldProps) {
  const { form, name, label, hint, type = 'text', required = false, maxLength, autocomplete, inputMode } = props;
  const error = form.errors[name];
  const notes = [hint === undefined ? [] : `${name}-hint`, error === undefined ? [] : `${name}-error`].flat();
  const common = {
    id: name,
    name,
    required,
    maxLength,
    'aria-invalid': error === undefined ? undefined : ('true' as const),
    'aria-describedby': notes.length === 0 ? undefined : notes.join(' '),
  };
  const value = form.values[name] ?? props.value ?? '';
  return (
    <div class="field">
      <label for={name}>
        {label}
        {required ? null : <span class="optional"> (optional)</span>}
      </label>
      {hint === undefined ? null : (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {type === 'textarea' ? (
        <textarea {...common} rows={6}>
          {value}
        </textarea>
      ) : (
        <input
          {...common}
          type={type}
          value={type === 'password' ? undefined : value}
          autocomplete={autocomplete}
          inputMode={inputMode}
        />
      )}
      {error === undefined ? null : (
        <p class="error" id={`${name}-error`}>
          {sentence(error)}
        </p>
      )}
    </div>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}
