import { describe, expect, it } from 'vitest'
import { CedarSet, Entity } from './compile/values.ts'
import { SharedFields, StatementFields, Surroundings } from './context.ts'
import {
  actingEntities,
  objectAncestors,
  objectEntity,
  principalEntity,
  resourceEntity,
} from './entities.ts'
import { facts, operation, principal, shop, statement } from './policy.testing.ts'

const around = new Surroundings(false, undefined)

describe('the context', () => {
  it('has the hour and the weekday in UTC, Monday first', () => {
    const at = (...time: Parameters<typeof Date.UTC>) => {
      const fields = new SharedFields({ ...facts, now: Date.UTC(...time) }, around)
      return [fields.get('weekday'), fields.get('hour')]
    }
    expect(at(1970, 0, 1, 0)).toEqual([4, 0])
    expect(at(2026, 0, 5, 0)).toEqual([1, 0])
    expect(at(2026, 0, 4, 23, 59, 59, 999)).toEqual([7, 23])
    expect(at(1969, 11, 31, 22)).toEqual([3, 22])
  })

  it('has the bound values that are text, in either format', () => {
    const bytes = (text: string) => new TextEncoder().encode(text)
    const parameters = [
      { type: 'text', format: 'text', value: bytes('plain') },
      { type: '25', format: 'binary', value: bytes('hidden') },
      { type: '23', format: 'binary', value: new Uint8Array([0, 0, 0, 7]) },
      { type: 'bytea', format: 'binary', value: new Uint8Array([0xff, 0xfe]) },
      { type: 'text', format: 'text', value: null },
    ] as const
    const fields = (judged: ReturnType<typeof statement>) =>
      new StatementFields(new SharedFields(facts, around), judged, operation('read', 't'))
    const bound = fields({ ...statement(), parameters }).get('parameters')
    expect(bound).toBeInstanceOf(CedarSet)
    expect(bound instanceof CedarSet && [...bound.members.values()]).toEqual(['plain', 'hidden'])
    expect(fields(statement()).get('parameters')).toBeUndefined()
    expect(fields(statement()).names()).not.toContain('reason')
    expect(fields(statement()).get('constructor')).toBeUndefined()
  })
})

describe('entities', () => {
  const resource = resourceEntity(shop)
  const of = (name: string, kind: string) =>
    objectEntity(resource, objectAncestors(resource), { name, kind })

  it('name objects within their resource, and take the schema from names that have one', () => {
    expect(of('public.customers', 'table').key).toBe(
      new Entity('Object', 'shop/public.customers').key,
    )
    const schema = (name: string, kind: string) => of(name, kind).data?.attributes.get('schema')
    expect(schema('public.customers', 'table')).toBe('public')
    expect(schema('public.a.b', 'table')).toBe('public')
    expect(schema('notes.txt', 'path')).toBeUndefined()
    expect(schema('pods/default/web.1', 'pod')).toBeUndefined()
    expect(schema('.x', 'table')).toBeUndefined()
  })

  it('are the resource itself when an object has no name', () => {
    expect(of('', 'resource')).toBe(resource)
  })

  it('tell people from agents of the same id', () => {
    const who = { id: 'x', subject: 'x', issuer: '', groups: ['g'] }
    const user = principalEntity({ ...who, kind: 'user' }, [])
    const agent = principalEntity({ ...who, kind: 'agent' }, ['o'])
    expect(user.key).not.toBe(agent.key)
    expect(user.data?.attributes.get('owners')).toBeUndefined()
  })

  it('give the owners to the agent, whether it asks or acts for a person', () => {
    const bot = { kind: 'agent' as const, id: 'bot', subject: 'bot', issuer: '', groups: [] }
    const owned = { owners: ['ann'] }
    const owners = (who: Parameters<typeof actingEntities>[0]) =>
      actingEntities(who).map(({ type, data }) => {
        const value = data?.attributes.get('owners')
        return [type, value instanceof CedarSet ? [...value.members.values()] : undefined]
      })
    expect(owners(principal('agent', 'bot', [], owned))).toEqual([['Agent', ['ann']]])
    expect(owners(principal('user', 'ann', [], { ...owned, actors: [bot] }))).toEqual([
      ['User', undefined],
      ['Agent', ['ann']],
    ])
  })
})
