// Host names that mean something else than they look like, and those that mean one thing in many ways.
import { describe, expect, test } from 'vitest'
import { hostAndPort, readHost, readListen, readPort, readSocketPath } from './destination.ts'
import { readTunnel, tunnelStatement } from './statement.ts'

describe('a host to connect to', () => {
  test.each([
    ['DB.Internal', 'db.internal'],
    ['db.internal.', 'db.internal'],
    ['10.0.0.7', '10.0.0.7'],
    ['::FFFF:10.0.0.7', '10.0.0.7'],
    ['::ffff:a00:7', '10.0.0.7'],
    ['FD00:0:0::1', 'fd00::1'],
    ['localhost', 'localhost'],
    ['LOCALHOST.', 'localhost'],
    ['127.0.0.1', 'localhost'],
    ['::1', 'localhost'],
    ['0:0:0:0:0:0:0:1', 'localhost'],
    ['::ffff:127.0.0.1', 'localhost'],
    ['_service.example', '_service.example'],
    ['localhost.example', 'localhost.example'],
    ['mylocalhost', 'mylocalhost'],
  ])('%s is %s', (written, form) => expect(readHost(written)).toBe(form))

  test.each([
    '',
    '.',
    'a..b',
    '0x7f.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '127.1',
    '127.0.0.1.',
    '1.2.3.4.5',
    '256.0.0.1',
    '0.0.0.0',
    '0.1.2.3',
    '::',
    '::ffff:0.0.0.0',
    'fe80::1%eth0',
    '[::1]',
    '::1]:80/',
    'a:b',
    'db.internal\u0000.example',
    'db internal',
    'db.internal/x',
    'user@db',
    '*',
    '*.internal',
    'dß.internal',
    'ｄb.internal',
    '127。0。0。1',
    '-oProxyCommand=x',
    'x.localhost',
    'X.LOCALHOST.',
    'localhost.localdomain',
    'x.localhost.localdomain',
    'localhost4',
    'localhost6.localdomain6',
    'ip6-localhost',
    'ip6-loopback',
    'x'.repeat(64),
    'x.'.repeat(130),
  ])('%j is refused', written => expect(() => readHost(written)).toThrow())
})

test('every address to listen on is one thing, and so is the host to itself', () => {
  for (const all of ['', '*', '0.0.0.0', '::', '::ffff:0.0.0.0'])
    expect(readListen(all)).toBe('0.0.0.0')
  for (const own of ['localhost', '127.0.0.1', '::1']) expect(readListen(own)).toBe('localhost')
  expect(() => readListen('0x0')).toThrow()
})

test('ports are ports', () => {
  expect(readPort(65_535, 1)).toBe(65_535)
  expect(readPort(0, 0)).toBe(0)
  for (const none of [0, 65_536, 65_536 + 22, 2 ** 32 - 1, undefined])
    expect(() => readPort(none, 1)).toThrow()
  expect(hostAndPort('fd00::1', 22)).toBe('[fd00::1]:22')
})

test.each([
  'x.sock',
  '/',
  '/run/../etc/x.sock',
  '/run/./x.sock',
  '/run//x.sock',
  '/run/x.sock/',
  '/run/x\u0000.sock',
  '/run/x\n.sock',
  `/run/${'x'.repeat(110)}`,
  '',
])('%j names no socket', path => expect(() => readSocketPath(path)).toThrow())

test('a text of ours reads back as the same statement, and each kind of channel is another', () => {
  const all = [
    tunnelStatement({ verb: 'direct-tcpip', host: 'db.internal', port: 5432 }, 'me'),
    tunnelStatement({ verb: 'direct-tcpip', host: 'fd00::1', port: 5432 }, 'me'),
    tunnelStatement({ verb: 'tcpip-forward', host: 'localhost', port: 0 }, 'me'),
    tunnelStatement({ verb: 'forwarded-tcpip', host: '0.0.0.0', port: 80 }, 'me'),
    tunnelStatement({ verb: 'direct-streamlocal', path: '/run/a b.sock' }, 'me'),
    tunnelStatement({ verb: 'streamlocal-forward', path: '/run/x.sock' }, 'me'),
    tunnelStatement({ verb: 'forwarded-streamlocal', path: '/run/x.sock' }, 'me'),
    ...(['jump', 'auth-agent-req', 'auth-agent', 'x11-req', 'x11'] as const).map(verb =>
      tunnelStatement({ verb }, 'me'),
    ),
  ]
  for (const statement of all) expect(readTunnel(statement.text, 'me')).toEqual(statement)
  expect(new Set(all.map(({ text }) => text)).size).toBe(all.length)
  expect(all.map(({ operations: [first] }) => first?.object.name)).toContain('<listen>/0.0.0.0:80')
})

test.each([
  '<tunnel>',
  '<tunnel> direct-tcpip',
  '<tunnel> direct-tcpip 0x7f.1:80',
  '<tunnel> direct-tcpip db:0',
  '<tunnel> direct-tcpip db:99999',
  '<tunnel> direct-streamlocal /a/../b',
  '<tunnel> direct-streamlocal "',
  '<tunnel> x11 more',
  '<tunnel> teleport db:1',
])('%s is no statement', text => expect(readTunnel(text, 'me')).toBeUndefined())
