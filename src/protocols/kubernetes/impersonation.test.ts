import { expect, it } from 'vitest'
import type { Principal } from '#model'
import { impersonationFields } from './impersonation.ts'

const robin = {
  kind: 'agent',
  id: 'corp:robin',
  groups: ['analysts', 'system:masters'],
  run: 'run 7\r\nImpersonate-User: admin',
  actors: [{ id: 'corp:bot' }],
} as unknown as Principal
const settings = {
  impersonate: 'principal',
  userPrefix: 'sallyport:',
  groupPrefix: 'sallyport:',
  groups: 'all',
} as const

it('says who asks, in which groups, in which session and run, and who acts', () => {
  expect(impersonationFields(robin, 's-1', settings)).toEqual([
    ['impersonate-user', 'sallyport:corp:robin'],
    ['impersonate-group', 'sallyport:analysts'],
    ['impersonate-group', 'sallyport:system:masters'],
    ['impersonate-extra-sallyport-session', 's-1'],
    ['impersonate-extra-sallyport-run', 'run%207%0D%0AImpersonate-User%3A%20admin'],
    ['impersonate-extra-sallyport-actor', 'corp%3Abot'],
  ])
})

it('names no group but those that the operator lists, where there is a list', () => {
  const named = (groups: string[]) =>
    impersonationFields(robin, 's-1', { ...settings, groups })
      .filter(([name]) => name === 'impersonate-group')
      .map(([, group]) => group)
  expect(named(['analysts', 'others'])).toEqual(['sallyport:analysts'])
  expect(named([])).toEqual([])
})

it('says nothing where requests are made as the credential itself', () => {
  expect(impersonationFields(robin, 's-1', { ...settings, impersonate: 'none' })).toEqual([])
})

it('never makes anybody one of the cluster’s own', () => {
  expect(() => impersonationFields(robin, 's-1', { ...settings, groupPrefix: '' })).toThrow(
    'system:',
  )
  const admin = { ...robin, id: 'system:admin', groups: [] }
  expect(() => impersonationFields(admin, 's-1', { ...settings, userPrefix: '' })).toThrow(
    'system:',
  )
})

it.each(['', ' robin', 'robin ', 'ro\nbin', 'r\u00f6bin'])(
  'refuses a name that no field can carry: %j',
  id => {
    const named = { ...robin, id, groups: [] }
    expect(() => impersonationFields(named, 's-1', { ...settings, userPrefix: '' })).toThrow(
      'field',
    )
  },
)
