// audit verify, audit tail, audit prove. Verify and prove read files: no gateway is asked or trusted.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type AuditRecordView, paths } from '#contract'
import { InvalidRequest } from '#model'
import { proveEntry, type VerifyReport, verifyLog, verifyProof } from './audit/index.ts'
import { colors } from './colors.ts'
import { runs, WrongUsage, wholeNumber } from './invocation.ts'
import { jsonText, type Output, plain, print } from './report.ts'

const HERE = { here: true }

export function auditCommands(program: Command): void {
  const audit = program.command('audit').description('evidence: verify, tail, prove')

  const verify = audit
    .command('verify')
    .description('checks the whole log: every record, tree, checkpoint and recording chunk')
    .requiredOption('--data <folder>', "needed: the gateway's data folder")
    .option('--vkey <key>', 'the public key that you trust; without it, the one beside the log')
    .option('--since <file>', 'a checkpoint that you kept: the log must still contain it')
  runs(
    verify,
    async ({ output }) => {
      const { data, vkey, since } = verify.opts<{ data: string; vkey?: string; since?: string }>()
      const report = await verifyLog(logFolder(data), {
        ...(vkey === undefined ? {} : { vkey }),
        ...(since === undefined ? {} : { since: readFileSync(since, 'utf8') }),
        recordings: join(data, 'recordings'),
      })
      print(output, report, verifiedText)
      return report.ok ? 0 : 1
    },
    HERE,
  )

  const prove = audit
    .command('prove [entry]')
    .description('a proof that one entry is in the log, to hand to somebody else; or checks one')
    .option('--data <folder>', "the gateway's data folder")
    .option(
      '--check <file>',
      'checks a proof that was made here or in the console; with --vkey, and nothing else',
    )
    .option('--vkey <key>', 'the public key that you trust, for --check')
  runs(
    prove,
    async ({ output }, entry) => {
      const { data, check, vkey } = prove.opts<{ data?: string; check?: string; vkey?: string }>()
      if (check !== undefined) {
        if (vkey === undefined || entry !== undefined || data !== undefined)
          throw new WrongUsage('To check a proof: audit prove --check FILE --vkey KEY.')
        return checkProof(check, vkey, output)
      }
      if (!/^\d+$/.test(entry ?? '') || data === undefined || vkey !== undefined)
        throw new WrongUsage('Which entry? Its number: audit prove 42 --data FOLDER.')
      print(output, await proveEntry(logFolder(data), Number(entry)), proof => proof.proof)
      return 0
    },
    HERE,
  )

  const tail = audit
    .command('tail')
    .description('the newest entries; with --follow, and then those that come')
    .option('-n, --count <n>', 'how many', '20')
    .option('-f, --follow', 'go on')
  runs(tail, async ({ client, output }) => {
    const { count, follow } = tail.opts<{ count: string; follow?: boolean }>()
    const gateway = client()
    const newest = await gateway.get<AuditRecordView[]>(
      `${paths.audit}?count=${wholeNumber('--count', count, 1)}`,
    )
    if (follow !== true) {
      print(output, newest, records => records.map(recordText).join('\n'))
      return
    }
    const show = (record: AuditRecordView): void =>
      output.write(output.json ? jsonText(record) : recordText(record))
    newest.forEach(show)
    await gateway.events(paths.auditTail, (_event, data) => show(data as AuditRecordView))
  })
}

/** What holds, and what nothing vouches for: whoever may write there can put entries behind the newest head. */
function verifiedText({
  ok,
  size,
  root,
  unsigned,
  recordings,
  problems,
  notices,
}: VerifyReport): string {
  const found = ({ file, index, message }: VerifyReport['problems'][number]): string =>
    plain(`${file}${index === undefined ? '' : `, record ${index}`}: ${message}`)
  return [
    ok ? colors.green('The log holds.') : colors.red('THE LOG DOES NOT HOLD.'),
    `entries ${size}`,
    `root    ${root}`,
    ...(unsigned === 0
      ? []
      : [
          `NOT SIGNED: ${unsigned === 1 ? 'the last entry is' : `the last ${unsigned} entries are`} under no signed head. Of a gateway that runs, look again in a second; else nothing tells who wrote them.`,
        ]),
    ...(recordings.absent === 0
      ? []
      : [
          `GONE: ${recordings.absent} of ${recordings.absent + recordings.matching} pieces of recordings have no file. Which were erased, and by whom, is in the log.`,
        ]),
    ...problems.map(found),
    ...notices.map(each => `note: ${found(each)}`),
  ].join('\n')
}

/** Needs nothing of the log: the file and the key. */
function checkProof(file: string, vkey: string, output: Output): number {
  const { record, proof } = proofIn(file)
  const proven = verifyProof(proof, record, vkey)
  print(output, proven === undefined ? { ok: false } : { ok: true, ...proven, record }, () =>
    proven === undefined
      ? colors.red('THE PROOF DOES NOT HOLD.')
      : [
          colors.green('The proof holds.'),
          `entry   ${proven.index} of ${proven.size}, in ${plain(proven.origin)}`,
          plain(record),
        ].join('\n'),
  )
  return proven === undefined ? 1 : 0
}

function proofIn(file: string): { record: string; proof: string } {
  try {
    const { record, proof } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    if (typeof record === 'string' && typeof proof === 'string') return { record, proof }
  } catch {
    // Not there or not JSON: told below, and nothing counts as proved.
  }
  throw new InvalidRequest('request_invalid', `${file} is not a proof of an entry.`, {
    hint: 'It is what audit prove --json prints, or what the console saves.',
  })
}

function logFolder(data: string): string {
  const folder = join(data, 'audit')
  if (!existsSync(folder)) {
    throw new InvalidRequest('request_invalid', `There is no audit log under ${data}.`, {
      hint: 'Give the folder that `data:` names in sallyport.yaml.',
    })
  }
  return folder
}

function recordText(record: AuditRecordView): string {
  const part = (name: string): Record<string, unknown> => {
    const value = record[name]
    return typeof value === 'object' && value !== null ? { ...value } : {}
  }
  const principal = part('principal')['id']
  const resource = part('target')['resource']
  const action = part('action')
  const decision = part('decision')
  const objects = Array.isArray(action['objects'])
    ? action['objects'].filter(name => name !== '').join(' ')
    : ''
  const verbs = Array.isArray(action['verbs']) ? action['verbs'].join(' ') : ''
  const words = [principal, resource, verbs, objects, decision['code']]
  return `${String(record.seq).padStart(6)} ${colors.dim(plain(record.ts))} ${plain(record.kind).padEnd(20)} ${plain(
    words.filter(word => word !== undefined && word !== '').join('  '),
  )}`
}
