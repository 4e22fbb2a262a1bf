// What names mean to MySQL and MariaDB, where that is not as in PostgreSQL. Measured on MariaDB 10.11.
import type { NameRules } from '../lineage/index.ts'

export const mysqlNames: NameRules = { outward: true, outputsByName: true, usingByTable: true }
