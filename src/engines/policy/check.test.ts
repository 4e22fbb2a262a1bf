import { describe, expect, it } from 'vitest'
import { checkPolicies } from './check.ts'

const vocabulary = {
  resources: [{ name: 'shop', tags: { env: 'production' } }],
  dataClasses: ['email'],
}

function problems(text: string) {
  return checkPolicies([{ name: 'p.cedar', text }], vocabulary).problems.map(
    ({ line, column, severity, message, policy }) =>
      `${line}:${column} ${severity} ${policy ?? '-'} ${message}`,
  )
}

const fine =
  '@id("fine") permit (principal, action == Action::"read", resource in Resource::"shop");'

describe('checking policies', () => {
  it('accepts a good file and gives a set', () => {
    const { set, problems: found } = checkPolicies([{ name: 'p.cedar', text: fine }], vocabulary)
    expect(found).toEqual([])
    expect(set?.policies).toEqual([
      { id: 'fine', effect: 'permit', file: 'p.cedar', line: 1, annotations: { id: 'fine' } },
    ])
  })

  it('accepts no policies at all: everything is denied', () => {
    expect(checkPolicies([]).set?.policies).toEqual([])
    expect(checkPolicies([{ name: 'p.cedar', text: '// nothing yet\n' }]).set).toBeDefined()
  })

  it('places parse errors by character, although the parser counts bytes', () => {
    expect(
      problems(`// é😀\n${fine}\n@id("x") permit (principal, action, resource) when { é };`)[0],
    ).toMatch(/^3:54 error - /)
  })

  it('places type errors', () => {
    expect(
      problems(`// é😀\n${fine}\n
@id("x")
permit (principal, action == Action::"read", resource)
when { "é" == context.verb && context.nothing };`),
    ).toEqual([expect.stringMatching(/^6:31 error x attribute `nothing` .*not found/)])
  })

  it('needs an @id, once', () => {
    expect(problems(fine.replace('@id("fine") ', ''))).toEqual([
      '1:1 error - every policy needs an @id("name")',
    ])
    expect(problems(`${fine}\n${fine.replace('read', 'write')}`)).toEqual([
      '2:2 error fine @id("fine") is taken by the policy at p.cedar:1',
    ])
    expect(problems(fine.replace('"fine"', '"a\\nb"'))[0]).toMatch(/^1:2 error - @id must be/)
  })

  it('refuses annotations with bad values', () => {
    const found =
      problems(`@id("x") @quorum("0") @within("soon") @approvers("dba,,") @reason("") @limit_rows("1e3")
      permit (principal, action == Action::"read", resource) when { context.approved };`)
    expect(found.filter(line => line.includes('error'))).toEqual([
      expect.stringMatching(/^1:11 error x @quorum/),
      expect.stringMatching(/^1:24 error x @within/),
      expect.stringMatching(/^1:40 error x @approvers/),
      expect.stringMatching(/^1:60 error x @reason/),
      expect.stringMatching(/^1:72 error x @limit_rows/),
    ])
  })

  it('refuses templates', () => {
    expect(problems('@id("t") permit (principal == ?principal, action, resource);')[0]).toMatch(
      /error - templates/,
    )
  })

  it('warns of names that do not exist', () => {
    expect(
      problems(`@id("x") permit (principal, action == Action::"read", resource in Resource::"shpo");
@id("y") permit (principal, action == Action::"read", resource in Tag::"env=prod");
@id("z") permit (principal, action == Action::"reveal", resource == DataClass::"mail");
@id("o") permit (principal, action == Action::"read", resource == Object::"public.t");
@id("ok") permit (principal, action == Action::"write", resource == Object::"shop/public.t") when { resource in Tag::"env=production" };`),
    ).toEqual([
      '1:77 warning x there is no resource "shpo"',
      '2:72 warning y no resource has the tag "env=prod"',
      '3:80 warning z there is no data class "mail"',
      '4:75 warning o "public.t" is in no resource; write Object::"resource/object"',
    ])
  })

  it('warns of what cannot apply, what is shadowed and what is no control', () => {
    const found = problems(`${fine}
@id("never") permit (principal is User, action == Action::"read", resource) when { principal is Agent };
@id("again") permit (principal, action == Action::"read", resource in Resource::"shop");
@id("less") permit (principal in Group::"g", action == Action::"read", resource in Resource::"shop");
@id("text") forbid (principal, action == Action::"read", resource) when { context.text like "*DROP*" };
@id("all") permit (principal, action, resource);
@id("typo") @aprovers("x") forbid (principal, action == Action::"define", resource);
@id("useless") @approvers("x") permit (principal, action == Action::"define", resource in Tag::"env=production");`)
    expect(found).toEqual([
      '1:1 warning fine shadowed: "all" says the same or more',
      expect.stringMatching(/^2:1 warning never unreachable/),
      '2:1 warning never shadowed: "all" says the same or more',
      expect.stringMatching(/^3:1 warning again shadowed: "fine"/),
      expect.stringMatching(/^4:1 warning less shadowed: "fine"/),
      expect.stringMatching(/^5:88 warning text text patterns are not a control/),
      expect.stringMatching(/^6:31 warning all without an action this also permits reveal/),
      expect.stringMatching(/^7:14 warning typo @aprovers is unknown/),
      expect.stringMatching(/^8:1 warning useless shadowed: "typo" forbids all that this permits/),
      expect.stringMatching(/^8:17 warning useless @approvers has no effect/),
    ])
  })

  it('keeps its hash when only layout, comments, order and files change, and not when a number does', () => {
    const hash = (...texts: string[]) =>
      checkPolicies(texts.map((text, at) => ({ name: `${at}`, text }))).set?.hash
    const big = (value: string) =>
      `@id("big") permit (principal, action == Action::"read", resource) when { context.hour < ${value} };`
    const one = hash(`${fine}\n${big('9007199254740993')}`)
    expect(one).toMatch(/^[0-9a-f]{64}$/)
    expect(hash(big('9007199254740993'), `// words\n\n${fine.replaceAll(' ', '  ')}`)).toBe(one)
    expect(hash(`${fine}\n${big('9007199254740992')}`)).not.toBe(one)
  })

  it('survives texts that are no policies', () => {
    const odd = [
      '"',
      '\0',
      ';;',
      '@id("a',
      '('.repeat(20_000),
      'permit(',
      '/*',
      '\ud800',
      '@id("\\u{ffffffff}") permit(principal,action,resource);',
    ]
    for (const text of odd) {
      expect(checkPolicies([{ name: 'p.cedar', text }]).set, text.slice(0, 10)).toBeUndefined()
    }
  })

  it('keeps from the parser what would exhaust its stack', () => {
    const holds = (condition: string) =>
      checkPolicies([
        {
          name: 'p.cedar',
          text: `@id("x") permit (principal, action == Action::"read", resource) when { ${condition} };`,
        },
      ])
    const deep = (open: string, times: number, close = '') =>
      `${open.repeat(times)}context.mfa${close.repeat(times)}`
    for (const condition of [
      deep('(', 20_000, ')'),
      deep('!(', 200, ')'),
      deep('[', 300, ']'),
      deep('context.mfa && ', 5000),
      deep('if context.mfa then true else ', 1000),
      deep('if (if ', 100, ' then true else true) then true else true'),
      `context${'.a'.repeat(4000)}`,
      deep('true } when { ', 2000),
      `true // a comment that ends here \r && ${deep('(', 20_000, ')')}`,
    ]) {
      expect(holds(condition).problems[0]?.message).toBe(
        'nested too deeply or too long: split the policy',
      )
    }
    expect(holds(deep('(', 60, ')')).set).toBeDefined()
    expect(holds(deep('context.mfa || ', 250)).set).toBeDefined()
  })

  it('reads more than ten policies of a file in their order', () => {
    const many = Array.from(
      { length: 12 },
      (_, at) =>
        `@id("p${at}") permit (principal, action == Action::"read", resource == Object::"shop/t${at}");`,
    )
    const { set } = checkPolicies([{ name: 'p.cedar', text: many.join('\n') }])
    expect(set?.policies.map(({ id, line }) => [id, line])).toEqual(
      many.map((_, at) => [`p${at}`, at + 1]),
    )
  })
})
