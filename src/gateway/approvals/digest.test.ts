// What a yes is bound to: change any of it and it is a yes to something else.

import { describe, expect, it } from 'vitest'
import type { Parameter, Principal, Statement } from '#model'
import { fc } from '../../../test/property.ts'
import { principal } from '../gateway.testing.ts'
import { digestOf } from './digest.ts'

interface Asking {
  readonly principal: Principal
  readonly resource: { readonly name: string; readonly protocol: string }
  readonly statement: Pick<Statement, 'text' | 'parameters' | 'state'>
}
const digest = ({ principal: who, resource, statement }: Asking) =>
  digestOf(who, resource, statement)

const name = fc.string({ minLength: 1, maxLength: 12 })
const parameter: fc.Arbitrary<Parameter> = fc.record({
  type: fc.constantFrom('23', '25', '1700'),
  format: fc.constantFrom('text' as const, 'binary' as const),
  value: fc.option(fc.uint8Array({ maxLength: 8 })),
})
const state = fc.record({ database: name, role: name, search_path: name })
const asking: fc.Arbitrary<Asking> = fc.record({
  principal: fc
    .record({ id: name, issuer: name, actor: fc.option(name) })
    .map(({ id, issuer, actor }) => ({
      ...principal(id, []),
      issuer,
      actors:
        actor === null ? [] : [{ kind: 'agent', id: actor, subject: actor, issuer, groups: [] }],
    })) as fc.Arbitrary<Principal>,
  resource: fc.record({ name, protocol: name }),
  statement: fc.record({
    text: fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    parameters: fc.array(parameter, { maxLength: 4 }),
    state,
  }),
})

const clone = (of: Asking): Asking => structuredClone(of)

/** Each changes one thing; undefined where there is no such thing to change. */
const changes: Readonly<Record<string, (of: Asking, at: number) => Asking | undefined>> = {
  'a byte of the text': (of, at) => {
    const bytes = Buffer.from(of.statement.text, 'utf16le')
    const index = (at % (bytes.length / 2)) * 2
    bytes[index] = bytes[index]! ^ 1
    const text = bytes.toString('utf16le')
    // Two halves of a surrogate pair that are none are one and the same in UTF-8: no client can send them.
    return text.isWellFormed() ? { ...of, statement: { ...of.statement, text } } : undefined
  },
  'a blank at the end': of => ({
    ...of,
    statement: { ...of.statement, text: `${of.statement.text} ` },
  }),
  'a byte of a value': (of, at) =>
    parameterChanged(of, at, each =>
      each.value === null || each.value.length === 0
        ? undefined
        : { ...each, value: each.value.map((byte, index) => (index === 0 ? byte ^ 1 : byte)) },
    ),
  'the length of a value': (of, at) =>
    parameterChanged(of, at, each =>
      each.value === null ? undefined : { ...each, value: new Uint8Array([...each.value, 0]) },
    ),
  'NULL for a value, or a value for NULL': (of, at) =>
    parameterChanged(of, at, each => ({
      ...each,
      value: each.value === null ? new Uint8Array() : null,
    })),
  'the type of a value': (of, at) =>
    parameterChanged(of, at, each => ({ ...each, type: `${each.type}0` })),
  'the format of a value': (of, at) =>
    parameterChanged(of, at, each => ({
      ...each,
      format: each.format === 'text' ? 'binary' : 'text',
    })),
  'the number of values': of => ({
    ...of,
    statement: {
      ...of.statement,
      parameters: [
        ...(of.statement.parameters ?? []),
        { type: '25', format: 'text', value: new Uint8Array() },
      ],
    },
  }),
  'the resource': of => ({ ...of, resource: { ...of.resource, name: `${of.resource.name}2` } }),
  'the protocol': of => ({
    ...of,
    resource: { ...of.resource, protocol: `${of.resource.protocol}2` },
  }),
  'the database': of => stateChanged(of, 'database'),
  'the role': of => stateChanged(of, 'role'),
  'the search path': of => stateChanged(of, 'search_path'),
  'the principal': of => ({ ...of, principal: { ...of.principal, id: `${of.principal.id}2` } }),
  'the kind of the principal': of => ({
    ...of,
    principal: { ...of.principal, kind: of.principal.kind === 'user' ? 'agent' : 'user' },
  }),
  'the kind of the actor': of => {
    const [actor, ...rest] = of.principal.actors
    return (
      actor && {
        ...of,
        principal: { ...of.principal, actors: [{ ...actor, kind: 'user' }, ...rest] },
      }
    )
  },
  'the issuer': of => ({
    ...of,
    principal: { ...of.principal, issuer: `${of.principal.issuer}2` },
  }),
  'the actor': of => ({
    ...of,
    principal: {
      ...of.principal,
      actors: [
        {
          kind: 'agent',
          id: `${of.principal.actors[0]?.id ?? ''}2`,
          subject: 'x',
          issuer: 'x',
          groups: [],
        },
      ],
    },
  }),
}

function parameterChanged(
  of: Asking,
  at: number,
  change: (parameter: Parameter) => Parameter | undefined,
): Asking | undefined {
  const parameters = of.statement.parameters ?? []
  const chosen = parameters.length === 0 ? undefined : parameters[at % parameters.length]
  const changed = chosen && change(chosen)
  if (changed === undefined) return undefined
  return {
    ...of,
    statement: {
      ...of.statement,
      parameters: parameters.map(each => (each === chosen ? changed : each)),
    },
  }
}

function stateChanged(of: Asking, key: string): Asking {
  const before = of.statement.state ?? {}
  return {
    ...of,
    statement: { ...of.statement, state: { ...before, [key]: `${before[key] ?? ''}2` } },
  }
}

describe('the digest of what is asked', () => {
  it('is the same for the same, in another connection, with another token and other groups', () => {
    fc.assert(
      fc.property(asking, of => {
        const again = clone(of)
        const later = { ...again.principal, run: 'other', groups: ['x'], expiresAt: 1 }
        expect(digest({ ...again, principal: later })).toBe(digest(of))
      }),
    )
  })

  for (const [what, change] of Object.entries(changes)) {
    it(`is another when ${what} changes`, () => {
      let changed = 0
      fc.assert(
        fc.property(asking, fc.nat(), (of, at) => {
          const other = change(of, at)
          if (other === undefined) return
          changed += 1
          expect(digest(other)).not.toBe(digest(of))
        }),
      )
      expect(changed).toBeGreaterThan(20)
    })
  }

  it('does not confuse where one field ends and the next begins', () => {
    fc.assert(
      fc.property(asking, asking, (a, b) => {
        const parts = ({ principal: who, resource, statement }: Asking) =>
          JSON.stringify([
            who.id,
            who.issuer,
            who.actors[0]?.id ?? '',
            resource,
            statement.text,
            Object.entries(statement.state ?? {}),
            (statement.parameters ?? []).map(each => [
              each.type,
              each.format,
              each.value === null ? null : [...each.value],
            ]),
          ])
        expect(digest(a) === digest(b)).toBe(parts(a) === parts(b))
      }),
    )
    const split = (text: string, path: string) =>
      digestOf(
        principal('ana', []),
        { name: 'shop', protocol: 'x' },
        {
          text,
          state: { search_path: path },
        },
      )
    expect(split('ab', 'c')).not.toBe(split('b', 'ca'))
  })
})
