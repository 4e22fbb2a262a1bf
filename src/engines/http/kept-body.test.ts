import { describe, expect, it } from 'vitest'
import { type BodyLook, keptBody } from './kept-body.ts'
import { readRequestText } from './request-text.ts'
import { httpStatement } from './statement.ts'

const look: BodyLook = {
  text: text => text.replaceAll('41111111', '****'),
  hidesName: name => name === 'nick',
  secrets: new Set(['licence']),
}
const HASH = /\[SHA-256:[\da-f]{64}\]/g
const kept = (text: string, type = 'application/json') =>
  keptBody(text, type, look).replace(HASH, '#')

describe('a body on record', () => {
  it('has hashes for secrets of JSON, stars for what is hidden, and else its bytes', () => {
    expect(
      kept(
        '{ "user":"ann", "password" : "p\\u0041", "nick": {"a":[1]}, "pin":1234, "token":null,\n "deep":[{"client_secret":["a",{"b":1}],"Licence":"x"}], "n":41111111, "key": true}',
      ),
    ).toBe(
      '{ "user":"ann", "password" : "#", "nick": "****", "pin":"#", "token":null,\n "deep":[{"client_secret":"#","Licence":"#"}], "n":****, "key": true}',
    )
    expect(kept('{"pass\\u0077ord":"a","\\u006eick":1}')).toBe(
      '{"pass\\u0077ord":"#","\\u006eick":"****"}',
    )
    expect(kept('[{"a":1}]\n{"sid":"x"}\n', 'application/x-ndjson')).toBe(
      '[{"a":1}]\n{"sid":"#"}\n',
    )
    expect(kept('{"a":1}', 'application/vnd.api+json')).toBe('{"a":1}')
  })

  it('is a hash when it is not the JSON that it says it is', () => {
    for (const text of ['{"password":"x"', '{"a":1} x', 'password'])
      expect(kept(text), text).toBe('#')
  })

  it('has the same for forms, whatever they say that they are', () => {
    for (const type of ['application/x-www-form-urlencoded', ''])
      expect(kept('a=1&passw%6frd=x&nick=ann&c=41111111', type)).toBe(
        'a=1&passw%6frd=#&nick=****&c=****',
      )
    const form = (password: string, nick: string) =>
      `--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n${password}\r\n--b\r\nContent-Disposition: form-data; name="nick"; filename="x"\r\nContent-Type: text/plain\r\n\r\n${nick}\r\n--b--\r\n`
    expect(kept(form('x\r\ny', 'ann'), 'multipart/form-data; boundary="b"')).toBe(form('#', '****'))
    expect(kept('{"password":"x"}', 'text/plain')).toBe('{"password":"#"}')
  })

  it('is any other text as it is, but for what detectors find', () => {
    const xml = '<a password="x">41111111</a>'
    expect(kept(xml, 'application/xml')).toBe('<a password="x">****</a>')
  })

  it('changes nothing of what is judged, and of what a yes is for', () => {
    const of = (password: string) =>
      httpStatement(
        readRequestText(
          `POST /login\ncontent-type: application/json\n\n{"password":"${password}"}`,
        ),
        { routes: undefined, unknown: 'path' },
      )
    const statement = of('hunter2')
    expect(statement.text).toContain('{"password":"hunter2"}')
    const shown = statement.kept?.(look).text ?? ''
    expect(shown.replace(HASH, '#')).toBe(
      'POST /login\ncontent-type: application/json\n\n{"password":"#"}',
    )
    expect(of('hunter3').kept?.(look).text).not.toBe(shown)
  })
})
