// Reads the catalog of a server by a connection of our own: the same login as a session's, closed at the end. Bounded: the
// server is not trusted.
import { type MysqlAnalyser, readMysqlBody } from '#engines/sql'
import { UpstreamError } from '#model'
import { CATALOG_BOUNDS } from './catalog-queries.ts'
import { readRows } from './catalog-rows.ts'
import { CatalogSnapshot } from './catalog-snapshot.ts'
import { Questions } from './questions.ts'
import { sayGoodbye, type UpstreamLogin } from './upstream.ts'

const READ_MS = 90_000

/** Takes the connection and ends it. Throws UpstreamError, ProtocolError, PeerLeft. */
export async function readCatalog(
  login: UpstreamLogin,
  analyser: MysqlAnalyser,
): Promise<CatalogSnapshot> {
  const questions = new Questions(login.socket)
  const deadline = setTimeout(
    () => questions.fail(new UpstreamError('upstream_lost', 'reading the catalog took too long')),
    READ_MS,
  )
  try {
    const rows = await readRows(text => questions.ask(text, CATALOG_BOUNDS))
    questions.detach()
    sayGoodbye(login.socket)
    const { flavour, version, lowerCaseNames } = login
    return new CatalogSnapshot(rows, {
      analyser,
      flavour,
      version,
      fold: lowerCaseNames !== 0,
      codeOf: (body, parameters, reading) =>
        readMysqlBody(body, parameters, text => analyser.analyse(text, reading)),
    })
  } catch (error) {
    login.socket.destroy()
    throw error
  } finally {
    clearTimeout(deadline)
  }
}
