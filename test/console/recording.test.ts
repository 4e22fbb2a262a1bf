// How the page reads a recording: without a browser.
import { expect, test } from 'vitest'
import { stepsOf } from '../../web/features/sessions/recording.ts'

test('output belongs to the statement that made it, also while another one runs', () => {
  const statement = { kind: 'statement', effect: 'permit', code: 'permitted', policies: [] }
  const steps = stepsOf([
    { ...statement, at: 1, entry: 7, text: 'make' },
    { kind: 'output', at: 2, entry: 7, stream: 'output', text: 'cc a.c\n' },
    { ...statement, at: 3, entry: 8, text: 'tar c .' },
    { kind: 'output', at: 4, entry: 8, stream: 'output', base64: 'AAEC' },
    { kind: 'output', at: 5, entry: 7, stream: 'error', text: 'a.c: error\n' },
    { kind: 'output', at: 6, entry: 99, stream: 'output', text: 'of nobody' },
  ])
  expect(steps.map(({ text, output }) => [text, output])).toEqual([
    ['make', 'cc a.c\na.c: error\n'],
    ['tar c .', '(3 bytes that are not text)\n'],
  ])
})
