// The one place that knows the Cedar library: its parser, its type checker and its JSON form.
// It is never on the path of a decision. Whatever it throws (its WebAssembly may trap) is a problem found.
import {
  checkParsePolicySet,
  type DetailedError,
  policySetTextToParts,
  policyToJson,
  templateToJson,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs'
import type { JsonObject } from '#model'
import { markLongs } from './compile/long-literals.ts'

/** What the library says of a text. Offsets are UTF-8 bytes in the text that was given. */
export interface Complaint {
  readonly policy: string | undefined
  readonly message: string
  readonly offset: number | undefined
  readonly severity: 'error' | 'warning'
}

/** How it begins what it says of a text that trapped it: after that, it may answer nothing any more. */
export const PARSER_FAILED = 'the policy parser failed'

/** Parses a text; the texts of its policies in order, and whether it holds templates. */
export function parsePolicies(
  text: string,
): { policies: readonly string[]; templates: number } | { complaints: readonly Complaint[] } {
  return guarded(() => {
    const checked = checkParsePolicySet({ staticPolicies: text })
    const parts = policySetTextToParts(text)
    if (parts.type === 'success') {
      return { policies: parts.policies, templates: parts.policy_templates.length }
    }
    const errors = checked.type === 'failure' ? checked.errors : parts.errors
    return { complaints: errors.map(error => complaint(undefined, error, 'error')) }
  })
}

/** The JSON form of one policy's text, with integers exact (see long-literals.ts). */
export function toJsonForm(
  text: string,
): { form: JsonObject } | { complaints: readonly Complaint[] } {
  return guarded(() => formOf(policyToJson(markLongs(text))))
}

/** The same for a template. */
export function templateToJsonForm(
  text: string,
): { form: JsonObject } | { complaints: readonly Complaint[] } {
  return guarded(() => formOf(templateToJson(markLongs(text))))
}

function formOf(
  answer: ReturnType<typeof policyToJson>,
): { form: JsonObject } | { complaints: readonly Complaint[] } {
  if (answer.type === 'success') {
    // The library's own type is a closed union of what it can produce; ours is any JSON, checked as it is read.
    return { form: answer.json as unknown as JsonObject }
  }
  return { complaints: answer.errors.map(error => complaint(undefined, error, 'error')) }
}

/** Type-checks policies (by id) against a schema, in strict mode. */
export function typeCheck(
  policies: Readonly<Record<string, string>>,
  schema: string,
): readonly Complaint[] {
  const answer = guarded(() =>
    validate({
      validationSettings: { mode: 'strict' },
      schema,
      policies: { staticPolicies: { ...policies } },
    }),
  )
  if ('complaints' in answer) return answer.complaints
  if (answer.type === 'failure') {
    return answer.errors.map(error => complaint(undefined, error, 'error'))
  }
  return [
    ...answer.validationErrors.map(({ policyId, error }) => complaint(policyId, error, 'error')),
    ...answer.validationWarnings.map(({ policyId, error }) =>
      complaint(policyId, error, 'warning'),
    ),
  ]
}

function guarded<T>(call: () => T): T | { complaints: readonly Complaint[] } {
  try {
    return call()
  } catch (error) {
    // A trap of the library on a text (nesting that exhausts its stack): the text is refused, with its words.
    const reason = error instanceof Error ? error.message : 'unknown'
    const message = `${PARSER_FAILED}: ${reason}`
    return { complaints: [{ policy: undefined, message, offset: undefined, severity: 'error' }] }
  }
}

function complaint(
  policy: string | undefined,
  error: DetailedError,
  severity: 'error' | 'warning',
): Complaint {
  const place = error.sourceLocations?.[0]
  const message = error.message.replace(/^for policy `[^`]*`, /, '')
  const help = error.help ? ` (${error.help})` : ''
  const label = place?.label ? `: ${place.label}` : ''
  return { policy, message: `${message}${label}${help}`, offset: place?.start, severity }
}
