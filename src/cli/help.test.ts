// What `--help` shows, of every command: read without running any.
import type { Command } from 'commander'
import { expect, it } from 'vitest'
import { createProgram } from './program.ts'

const program = createProgram(async () => [], [])

function each(command: Command = program, name = ''): { name: string; command: Command }[] {
  return command.commands.flatMap(inner => {
    const path = `${name} ${inner.name()}`.trim()
    return inner.commands.length > 0 ? each(inner, path) : [{ name: path, command: inner }]
  })
}

it('says of every command and every option what it is for', () => {
  expect(each().length).toBeGreaterThan(25)
  const silent = each().flatMap(({ name, command }) => [
    ...(command.description() === '' ? [name] : []),
    ...command.options
      .filter(({ description }) => description === '')
      .map(({ flags }) => `${name} ${flags}`),
  ])
  expect(silent).toEqual([])
})

it('says of options that must be there that they must', () => {
  const unsaid = each().flatMap(({ name, command }) =>
    command.options
      .filter(({ mandatory, description }) => mandatory && !description.startsWith('needed:'))
      .map(({ flags }) => `${name} ${flags}`),
  )
  expect(unsaid).toEqual([])
})

it('speaks of a gateway where one is asked, and not where files are read', () => {
  const asking = each().filter(({ command }) => command.helpInformation().includes('--gateway'))
  const asked = asking.map(({ name }) => name)
  const here = each().filter(({ name }) => !asked.includes(name))
  expect(here.map(({ name }) => name).sort()).toEqual([
    'audit prove',
    'audit verify',
    'config check',
    'doctor',
    'policy check',
    'policy test',
  ])
})

it('lists the commands within a terminal’s width', () => {
  const lines = program.helpInformation().split('\n')
  expect(lines.filter(line => line.length > 80)).toEqual([])
})
