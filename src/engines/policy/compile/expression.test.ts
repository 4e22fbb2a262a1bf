import { describe, expect, it } from 'vitest'
import { expectSame } from './conditions.testing.ts'
import { compileExpression } from './expression.ts'

describe('expressions mean what they mean in Cedar', () => {
  it('integers, to the edge of 64 bits', () => {
    expectSame([
      '9007199254740991 + 2 == 9007199254740993',
      '9007199254740992 + 1 == 9007199254740993',
      '3037000499 * 3037000499 == 9223372030926249001',
      '3037000500 * 3037000500 > 0',
      '9223372036854775807 + 1 > 0',
      '9223372036854775807 + 0 == 9223372036854775807',
      '-9223372036854775808 - 1 < 0',
      '-9223372036854775808 < 0',
      '-(-9223372036854775808) > 0',
      '- -5 == 5',
      '0 * -1 == 0',
      '[0].contains(0 * -1)',
      '9007199254740993 == 9007199254740992',
      '9223372036854775806 < 9223372036854775807',
      '[9007199254740993].contains(9007199254740993)',
    ])
  })

  it('operands of the wrong type, where they are reached and where they are not', () => {
    expectSame([
      '(true && 1) == 1',
      '(false && 1) == false',
      '(false || 1) == 1',
      '(true || 1) == true',
      '(1 && true) == true',
      '[true && "x"].isEmpty()',
      '!1 == 1',
      '(if true then 1 else (1 + "a")) == 1',
      '(if 1 then true else true)',
      '1 == "1"',
      '1 < "1"',
      '"a" < "b"',
      'true < false',
      'principal == 1',
      '1 in principal',
      'principal in 1',
      'principal in [principal, 1]',
      'principal in []',
      'principal in principal',
      '1 is U',
      'principal is U',
      'principal is U in principal',
      'principal is V in 1',
      '1 has a',
      'principal has a',
      'principal.a == 1',
      '{a: 1}.a == 1',
      '{a: 1}.b == 1',
      '{a: {b: 1}} has a.b',
      '{a: {b: 1}} has a.c',
      '{a: 1} has a.b',
      '{} has a.b',
      '{"__proto__": 1} has __proto__',
      '{} has constructor',
      'context has toString',
      'context == {}',
      '{a: 1, b: [1, 2]} == {b: [2, 1, 1], a: 1}',
      '[1, "1"].contains("1")',
      '1.contains(1)',
      '[1].containsAll(1)',
      '[1, 2].containsAll([2])',
      '[1].containsAny([])',
      '[].containsAll([])',
      '[].isEmpty()',
      '1.isEmpty()',
      '1 like "1"',
      '"a*c" like "a\\*c"',
      '"abc" like "a\\*c"',
      '"😀" like "*😀*"',
      'principal.hasTag("x")',
      'principal.hasTag(1)',
      'principal.getTag("x") == 1',
      '1.hasTag("x")',
      'ip("1.2.3.4").isInRange("1.2.3.4")',
      'ip(1).isIpv4()',
      'decimal("1.0") < decimal("2.0")',
      'User::"a" == Action::"a"',
      '1',
      '"true"',
    ])
  })

  it('do not compile when their form is not known', () => {
    for (const node of [
      {},
      { Value: null },
      { Value: 1.5 },
      { Value: 2 ** 60 },
      { Var: 'world' },
      { Slot: '?principal' },
      { Unknown: [{ Value: 'x' }] },
      { constructor: [] },
      { '==': { left: { Value: 1 } } },
      { '!': { arg: { Value: true } }, neg: { arg: { Value: 1 } } },
      { like: { left: { Value: 'a' }, pattern: ['Anything'] } },
      null,
      [],
    ]) {
      expect(() => compileExpression(node), JSON.stringify(node)).toThrow()
    }
  })
})
