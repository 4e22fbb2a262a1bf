// The tables of this service. Byte strings are hex; times are Unix ms; SQL stays portable to PostgreSQL.
import type { MigrationSet } from '#services/db'

export interface IdentityTables {
  /** Never a secret: what a SCRAM server needs cannot be used to log in (RFC 5802 section 9). */
  identity_credentials: {
    id: string
    resource: string
    stored_key: string
    server_key: string
    iterations: number
    /** JSON of the principal as it was when the credential was issued. */
    principal: string
    principal_id: string
    issuer: string
    /** The token that it was issued for. */
    source: string
    created_at: number
    expires_at: number
    revoked_at: number | null
    uses: number
  }
  /** What ends before its time: `token` (jti, or a token's hash), `principal` (entity id), `run` (JSON of both names). */
  identity_revocations: {
    kind: string
    name: string
    revoked_at: number
    until: number
  }
  /** People who signed in. The token itself is not kept, only its SHA-256. */
  identity_sign_ins: {
    id: string
    token_hash: string
    /** JSON of the principal as the issuer described it then. */
    principal: string
    issuer: string
    created_at: number
    used_at: number
    expires_at: number
  }
  /** Who was ever here, as their last proof of identity described them. */
  identity_principals: {
    id: string
    kind: string
    name: string
    issuer: string
    /** JSON, each. */
    groups: string
    owners: string
    /** Id and name in lower case, with a line end between: what a search looks through. */
    sought: string
    first_seen: number
    last_seen: number
  }
  /** Verified addresses of people who signed in, while they count. */
  identity_addresses: {
    address: string
    principal_id: string
    /** JSON of the principal as the issuer described it then. */
    principal: string
    until: number
  }
  /** Keys that must outlive a restart, by name. */
  identity_keys: { name: string; value: string }
}

export const identityMigrations: MigrationSet = {
  room: 'identity',
  migrations: [
    {
      name: 'identity-0001-credentials-and-revocations',
      async up(kysely) {
        const { schema } = kysely
        await schema
          .createTable('identity_credentials')
          .addColumn('id', 'text', column => column.primaryKey())
          .addColumn('resource', 'text', column => column.notNull())
          .addColumn('stored_key', 'text', column => column.notNull())
          .addColumn('server_key', 'text', column => column.notNull())
          .addColumn('iterations', 'integer', column => column.notNull())
          .addColumn('principal', 'text', column => column.notNull())
          .addColumn('principal_id', 'text', column => column.notNull())
          .addColumn('issuer', 'text', column => column.notNull())
          .addColumn('source', 'text', column => column.notNull())
          .addColumn('created_at', 'bigint', column => column.notNull())
          .addColumn('expires_at', 'bigint', column => column.notNull())
          .addColumn('revoked_at', 'bigint')
          .addColumn('uses', 'bigint', column => column.notNull())
          .execute()
        await schema
          .createIndex('identity_credentials_expiry')
          .on('identity_credentials')
          .column('expires_at')
          .execute()
        await schema
          .createTable('identity_revocations')
          .addColumn('kind', 'text', column => column.notNull())
          .addColumn('name', 'text', column => column.notNull())
          .addColumn('revoked_at', 'bigint', column => column.notNull())
          .addColumn('until', 'bigint', column => column.notNull())
          .addPrimaryKeyConstraint('identity_revocations_key', ['kind', 'name'])
          .execute()
        await schema
          .createTable('identity_keys')
          .addColumn('name', 'text', column => column.primaryKey())
          .addColumn('value', 'text', column => column.notNull())
          .execute()
      },
    },
    {
      name: 'identity-0002-sign-ins',
      async up(kysely) {
        await kysely.schema
          .createTable('identity_sign_ins')
          .addColumn('id', 'text', column => column.primaryKey())
          .addColumn('token_hash', 'text', column => column.notNull().unique())
          .addColumn('principal', 'text', column => column.notNull())
          .addColumn('issuer', 'text', column => column.notNull())
          .addColumn('created_at', 'bigint', column => column.notNull())
          .addColumn('used_at', 'bigint', column => column.notNull())
          .addColumn('expires_at', 'bigint', column => column.notNull())
          .execute()
      },
    },
    {
      name: 'identity-0003-principals',
      async up(kysely) {
        const { schema } = kysely
        await schema
          .createTable('identity_principals')
          .addColumn('id', 'text', column => column.primaryKey())
          .addColumn('kind', 'text', column => column.notNull())
          .addColumn('name', 'text', column => column.notNull())
          .addColumn('issuer', 'text', column => column.notNull())
          .addColumn('groups', 'text', column => column.notNull())
          .addColumn('owners', 'text', column => column.notNull())
          .addColumn('sought', 'text', column => column.notNull())
          .addColumn('first_seen', 'bigint', column => column.notNull())
          .addColumn('last_seen', 'bigint', column => column.notNull())
          .execute()
        await schema
          .createIndex('identity_principals_seen')
          .on('identity_principals')
          // With what is searched: only what fits is read from the table itself.
          .columns(['last_seen', 'id', 'sought'])
          .execute()
      },
    },
    {
      name: 'identity-0004-addresses',
      async up(kysely) {
        await kysely.schema
          .createTable('identity_addresses')
          .addColumn('address', 'text', column => column.notNull())
          .addColumn('principal_id', 'text', column => column.notNull())
          .addColumn('principal', 'text', column => column.notNull())
          .addColumn('until', 'bigint', column => column.notNull())
          .addPrimaryKeyConstraint('identity_addresses_key', ['address', 'principal_id'])
          .execute()
      },
    },
  ],
}
