// The rooms that the gateway stands on, each opened once, over what is on disk.
import { join } from 'node:path'
import { paths } from '#contract'
import { type AccessTables, Grants, Requests } from '#services/access'
import { Explainer } from '#services/explaining'
import { createIdentity, type Identity } from '#services/identity'
import { createInventory, type Inventory } from '#services/inventory'
import { openPolicies, PolicyHistory, Workbench } from '#services/policies'
import { Recordings, type RecordingTables } from '#services/recording'
import type { Vault } from '#services/vault'
import type { Disk } from './disk.ts'
import { openMasking } from './masking.ts'
import { openSecrets } from './secrets.ts'
import { consoleUrl, type Server } from './server.ts'

export type Rooms = Awaited<ReturnType<typeof openRooms>>

export async function openRooms(server: Server, { audit, store }: Disk) {
  const { vault, tls, keys } = await openSecrets(server)
  const inventory = createInventory(server.config.resources)
  const identity = await openIdentity(server, store, vault)
  const rules = await openRules(server, store, inventory)
  const masking = await openMasking(server)

  const grants = new Grants(store.tables<AccessTables>(), server.now)
  await grants.load()
  const requests = new Requests(store.tables<AccessTables>(), server.now)
  const recordings = openRecordings(server, { audit, store })
  const explainer = new Explainer()
  server.undo.push(() => explainer.close())
  await recover(server, recordings, audit)
  return {
    audit,
    store,
    vault,
    tls,
    keys,
    inventory,
    identity,
    ...rules,
    masking,
    grants,
    requests,
    recordings,
    explainer,
  }
}

async function openIdentity(server: Server, store: Disk['store'], vault: Vault): Promise<Identity> {
  const { issuers, certificates, login } = server.config.identity
  const identity = await createIdentity({
    issuers,
    certificates,
    store,
    now: server.now,
    ...(login === undefined
      ? {}
      : {
          login: {
            settings: login,
            clientSecret: async () =>
              login.clientSecret === undefined ? undefined : vault.resolve(login.clientSecret),
            callback: () => `${consoleUrl(server)}${paths.callback}`,
          },
        }),
  })
  server.undo.push(() => identity.close())
  return identity
}

/** The policies in force, those that were, and where others are tried. */
async function openRules(server: Server, store: Disk['store'], inventory: Inventory) {
  const { config, log, now, undo } = server
  const vocabulary = () => ({
    resources: inventory.list().map(({ name, tags }) => ({ name, tags })),
    dataClasses: server.config.classNames,
  })
  const policyHistory = new PolicyHistory(store, now)
  const policies = await openPolicies({
    ...config.policies,
    history: policyHistory,
    vocabulary,
    onProblem: problems =>
      problems.some(({ severity }) => severity === 'error')
        ? log.error({ problems }, 'policies.refused')
        : log.warn({ problems }, 'policies.doubtful'),
  })
  undo.push(() => policies.close())
  const workbench = new Workbench()
  undo.push(() => workbench.close())
  return { vocabulary, policyHistory, policies, workbench }
}

function openRecordings({ config, log, now, undo }: Server, { audit, store }: Disk): Recordings {
  const recordings = new Recordings({
    folder: join(config.data, 'recordings'),
    kysely: store.tables<RecordingTables>(),
    now,
    onChunk: ({ session, ...chunk }) =>
      audit.append({
        kind: 'recording.chunk',
        session,
        details: { recording: session, ...chunk },
      }),
    forget: () => store.forget(),
    onTrouble: error => log.error({ err: error }, 'recording.index_failed'),
  })
  undo.push(() => recordings.close())
  return recordings
}

/** Sessions that a crash left open are closed on record. */
async function recover({ log }: Server, recordings: Recordings, audit: Disk['audit']) {
  for (const session of await recordings.recover())
    audit.append({ kind: 'session.closed', session, result: { reason: 'failed' } })
  // In the background: until it is done, older sessions are not found by what was asked in them.
  void recordings.indexMissing().catch(error => log.error({ err: error }, 'recording.index_failed'))
}
