// What a scanner of SSH servers says of the gateway's own side: nothing weak.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../servers/programs.ts'
import { type ShellStage, startShellStage } from './ssh-stage.ts'

let stage: ShellStage
beforeAll(async () => {
  stage = await startShellStage()
})
afterAll(() => stage?.stop())

test('ssh-audit finds no algorithm that fails or deserves a warning', async () => {
  const ran = await run('ssh-audit', ['-n', '-p', String(stage.gateway.port), '127.0.0.1'])
  expect(ran.stdout).toContain('curve25519-sha256')
  const weak = ran.stdout.split('\n').filter(line => /\[(?:fail|warn)\]/.test(line))
  // The mark of strict key exchange (Terrapin) and ML-KEM are newer than some versions of the scanner.
  const newer = /^\(kex\) (?:kex-strict-s-v00@openssh.com|mlkem768x25519-sha256) .*unknown/
  expect(weak.filter(line => !newer.test(line))).toEqual([])
  expect(ran.stdout).toContain('mlkem768x25519-sha256')
})
