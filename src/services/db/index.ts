// The database handle and the runner of migrations.
export { type Database, openDatabase } from './database.ts'
export type { Migration, MigrationSet } from './migrations.ts'
