// Statements that define, administer or destroy, as a table: what each does and to which object.
import type { Action, Flag } from '#model'
import type { SqlCategory } from '../categories.ts'
import type { DraftOperation } from '../draft.ts'
import {
  byList,
  byOwnedBy,
  byText,
  kindOfObject,
  nameOfObject,
  type ObjectNaming,
} from './object-names.ts'
import { fieldsOf, isTree, listOf, type Tree, textOf } from './tree.ts'
import type { Handler } from './walk.ts'

interface Definition {
  readonly verb: string | ((fields: Tree) => string)
  readonly action: Action | ((fields: Tree) => Action)
  readonly flags?: readonly Flag[] | ((fields: Tree) => readonly Flag[])
  /** Names of objects that are no relations; relations are found by the walk. */
  readonly objects?: ObjectNaming
  /** Where it does not follow from verb, action and flags. */
  readonly category?: SqlCategory | ((fields: Tree) => SqlCategory | undefined)
  /** False when the catalog of relations stays as it is. */
  readonly changesCatalog?: boolean
}

const define = (
  verb: Definition['verb'],
  objects?: ObjectNaming,
  flags?: Definition['flags'],
): Definition => ({
  verb,
  action: 'define',
  ...(objects === undefined ? {} : { objects }),
  ...(flags === undefined ? {} : { flags }),
})
const administer = (
  verb: Definition['verb'],
  objects?: ObjectNaming,
  flags?: Definition['flags'],
): Definition => ({ ...define(verb, objects, flags), action: 'administer' })

const alter = (fields: Tree): string =>
  `ALTER ${kindOfObject(fields['objtype'] ?? fields['renameType'] ?? fields['objectType']).toUpperCase()}`

/** Who owns a table and which rows are seen are rights. */
const rightsCommands =
  /^AT_(ChangeOwner|.*RowSecurity|GenericOptions|AlterColumnGenericOptions|ReplicaIdentity)$/

function someCommand(fields: Tree, pattern: RegExp): boolean {
  return listOf(fields['cmds']).some(each =>
    pattern.test(textOf(fieldsOf(each, 'AlterTableCmd')?.['subtype']) ?? ''),
  )
}

function alterTableAction(fields: Tree): Action {
  return someCommand(fields, rightsCommands) ? 'administer' : 'define'
}

function alterTableCategory(fields: Tree): SqlCategory | undefined {
  return someCommand(fields, /^AT_(ChangeOwner|.*RowSecurity)$/) ? 'privilege' : undefined
}

function alterTableFlags(fields: Tree): readonly Flag[] {
  return someCommand(fields, /^AT_Drop(Column|Constraint|Expression)$/) ? ['destructive'] : []
}

/** Objects whose making or dropping is the administrator's. */
const administrative: ReadonlySet<string> = new Set([
  'OBJECT_ACCESS_METHOD',
  'OBJECT_CAST',
  'OBJECT_EVENT_TRIGGER',
  'OBJECT_EXTENSION',
  'OBJECT_FDW',
  'OBJECT_FOREIGN_SERVER',
  'OBJECT_LANGUAGE',
  'OBJECT_POLICY',
  'OBJECT_PUBLICATION',
  'OBJECT_SUBSCRIPTION',
  'OBJECT_TRANSFORM',
  'OBJECT_USER_MAPPING',
  'OBJECT_ROLE',
  'OBJECT_DATABASE',
  'OBJECT_TABLESPACE',
])

const byObjectType = (fields: Tree): Action =>
  administrative.has(
    textOf(fields['objtype'] ?? fields['renameType'] ?? fields['objectType']) ?? '',
  )
    ? 'administer'
    : 'define'

const procedureOr = (verb: string) => (fields: Tree) =>
  `${verb} ${fields['is_procedure'] === true ? 'PROCEDURE' : 'FUNCTION'}`

const granted = (fields: Tree): string => (fields['is_grant'] === true ? 'GRANT' : 'REVOKE')

const definitions: Readonly<Record<string, Definition>> = {
  // relations
  CreateStmt: define('CREATE TABLE'),
  AlterTableStmt: {
    verb: alter,
    action: alterTableAction,
    flags: alterTableFlags,
    category: alterTableCategory,
  },
  IndexStmt: define('CREATE INDEX'),
  CreateSeqStmt: define('CREATE SEQUENCE', byOwnedBy),
  AlterSeqStmt: define('ALTER SEQUENCE', byOwnedBy),
  ViewStmt: define('CREATE VIEW'),
  RefreshMatViewStmt: { verb: 'REFRESH MATERIALIZED VIEW', action: 'write', changesCatalog: false },
  TruncateStmt: {
    verb: 'TRUNCATE',
    action: 'write',
    flags: ['unfiltered', 'destructive'],
    changesCatalog: false,
  },
  CreateStatsStmt: define('CREATE STATISTICS', byList('statistics', 'defnames')),
  AlterStatsStmt: define('ALTER STATISTICS', byList('statistics', 'defnames')),
  CreateTrigStmt: define('CREATE TRIGGER', byText('trigger', 'trigname'), ['dynamic']),
  RuleStmt: define('CREATE RULE', byText('rule', 'rulename'), ['dynamic']),
  // schemas, types, functions and what belongs to them
  CreateSchemaStmt: define('CREATE SCHEMA', byText('schema', 'schemaname')),
  CompositeTypeStmt: define('CREATE TYPE'),
  CreateEnumStmt: define('CREATE TYPE', byList('type', 'typeName')),
  CreateRangeStmt: define('CREATE TYPE', byList('type', 'typeName')),
  AlterEnumStmt: define('ALTER TYPE', byList('type', 'typeName')),
  AlterTypeStmt: define('ALTER TYPE', byList('type', 'typeName')),
  CreateDomainStmt: define('CREATE DOMAIN', byList('domain', 'domainname')),
  AlterDomainStmt: define('ALTER DOMAIN', byList('domain', 'typeName')),
  AlterCollationStmt: define('ALTER COLLATION', byList('collation', 'collname')),
  DefineStmt: define(
    fields => `CREATE ${kindOfObject(fields['kind']).toUpperCase()}`,
    byList(fields => kindOfObject(fields['kind']), 'defnames'),
  ),
  CreateFunctionStmt: define(
    procedureOr('CREATE'),
    byList(fields => (fields['is_procedure'] === true ? 'procedure' : 'function'), 'funcname'),
    ['dynamic'],
  ),
  AlterFunctionStmt: define(alter, nameOfObject('func')),
  AlterOperatorStmt: define('ALTER OPERATOR', nameOfObject('opername')),
  CreateOpClassStmt: define('CREATE OPERATOR CLASS', byList('operator class', 'opclassname')),
  CreateOpFamilyStmt: define('CREATE OPERATOR FAMILY', byList('operator family', 'opfamilyname')),
  AlterOpFamilyStmt: define('ALTER OPERATOR FAMILY', byList('operator family', 'opfamilyname')),
  CreateConversionStmt: define('CREATE CONVERSION', byList('conversion', 'conversion_name')),
  AlterTSDictionaryStmt: define('ALTER TEXT SEARCH DICTIONARY', byList('dictionary', 'dictname')),
  AlterTSConfigurationStmt: define(
    'ALTER TEXT SEARCH CONFIGURATION',
    byList('configuration', 'cfgname'),
  ),
  CommentStmt: { ...define('COMMENT', nameOfObject('object')), changesCatalog: false },
  RenameStmt: { verb: alter, action: byObjectType, objects: nameOfObject('object') },
  AlterObjectSchemaStmt: { verb: alter, action: byObjectType, objects: nameOfObject('object') },
  AlterObjectDependsStmt: { verb: alter, action: byObjectType, objects: nameOfObject('object') },
  DropStmt: {
    verb: fields => `DROP ${kindOfObject(fields['removeType']).toUpperCase()}`,
    action: fields =>
      administrative.has(textOf(fields['removeType']) ?? '') ? 'administer' : 'define',
    flags: ['destructive'],
    objects: nameOfObject('objects'),
  },
  // rights
  GrantStmt: administer(granted, nameOfObject('objects')),
  GrantRoleStmt: administer(granted),
  AlterDefaultPrivilegesStmt: administer('ALTER DEFAULT PRIVILEGES'),
  AlterOwnerStmt: { ...administer(alter, nameOfObject('object')), category: 'privilege' },
  CreatePolicyStmt: administer('CREATE POLICY', byText('policy', 'policy_name')),
  AlterPolicyStmt: administer('ALTER POLICY', byText('policy', 'policy_name')),
  SecLabelStmt: administer('SECURITY LABEL', nameOfObject('object')),
  CreateRoleStmt: administer('CREATE ROLE', byText('role', 'role')),
  AlterRoleStmt: administer('ALTER ROLE'),
  AlterRoleSetStmt: administer('ALTER ROLE'),
  DropRoleStmt: administer('DROP ROLE', undefined, ['destructive']),
  DropOwnedStmt: administer('DROP OWNED', undefined, ['destructive']),
  ReassignOwnedStmt: administer('REASSIGN OWNED'),
  // the server
  AlterSystemStmt: administer('ALTER SYSTEM'),
  LoadStmt: administer('LOAD', undefined, ['server_files']),
  CheckPointStmt: administer('CHECKPOINT'),
  VacuumStmt: { ...administer(vacuumVerb), changesCatalog: false },
  ClusterStmt: administer('CLUSTER'),
  ReindexStmt: administer('REINDEX'),
  CreatedbStmt: administer('CREATE DATABASE', byText('database', 'dbname')),
  AlterDatabaseStmt: administer('ALTER DATABASE', byText('database', 'dbname')),
  AlterDatabaseSetStmt: administer('ALTER DATABASE', byText('database', 'dbname')),
  AlterDatabaseRefreshCollStmt: administer('ALTER DATABASE', byText('database', 'dbname')),
  DropdbStmt: administer('DROP DATABASE', byText('database', 'dbname'), ['destructive']),
  CreateTableSpaceStmt: administer('CREATE TABLESPACE', byText('tablespace', 'tablespacename'), [
    'server_files',
  ]),
  DropTableSpaceStmt: administer('DROP TABLESPACE', byText('tablespace', 'tablespacename'), [
    'destructive',
  ]),
  AlterTableSpaceOptionsStmt: administer(
    'ALTER TABLESPACE',
    byText('tablespace', 'tablespacename'),
  ),
  AlterTableMoveAllStmt: administer(
    'ALTER TABLESPACE',
    byText('tablespace', 'orig_tablespacename'),
  ),
  CreateExtensionStmt: administer('CREATE EXTENSION', byText('extension', 'extname')),
  AlterExtensionStmt: administer('ALTER EXTENSION', byText('extension', 'extname')),
  AlterExtensionContentsStmt: administer('ALTER EXTENSION', byText('extension', 'extname')),
  CreatePLangStmt: administer('CREATE LANGUAGE', byText('language', 'plname')),
  CreateAmStmt: administer('CREATE ACCESS METHOD', byText('access method', 'amname')),
  CreateCastStmt: administer('CREATE CAST'),
  CreateTransformStmt: administer('CREATE TRANSFORM'),
  CreateEventTrigStmt: administer('CREATE EVENT TRIGGER', byText('event trigger', 'trigname'), [
    'dynamic',
  ]),
  AlterEventTrigStmt: administer('ALTER EVENT TRIGGER', byText('event trigger', 'trigname')),
  // other servers
  CreateFdwStmt: administer(
    'CREATE FOREIGN DATA WRAPPER',
    byText('foreign data wrapper', 'fdwname'),
  ),
  AlterFdwStmt: administer('ALTER FOREIGN DATA WRAPPER', byText('foreign data wrapper', 'fdwname')),
  CreateForeignServerStmt: administer('CREATE SERVER', byText('server', 'servername')),
  AlterForeignServerStmt: administer('ALTER SERVER', byText('server', 'servername')),
  CreateForeignTableStmt: administer('CREATE FOREIGN TABLE', byText('server', 'servername')),
  CreateUserMappingStmt: administer('CREATE USER MAPPING', byText('server', 'servername')),
  AlterUserMappingStmt: administer('ALTER USER MAPPING', byText('server', 'servername')),
  DropUserMappingStmt: administer('DROP USER MAPPING', byText('server', 'servername'), [
    'destructive',
  ]),
  ImportForeignSchemaStmt: administer('IMPORT FOREIGN SCHEMA', byText('server', 'server_name')),
  CreatePublicationStmt: administer('CREATE PUBLICATION', byText('publication', 'pubname')),
  AlterPublicationStmt: administer('ALTER PUBLICATION', byText('publication', 'pubname')),
  CreateSubscriptionStmt: administer('CREATE SUBSCRIPTION', byText('subscription', 'subname')),
  AlterSubscriptionStmt: administer('ALTER SUBSCRIPTION', byText('subscription', 'subname')),
  DropSubscriptionStmt: administer('DROP SUBSCRIPTION', byText('subscription', 'subname'), [
    'destructive',
  ]),
}

function vacuumVerb(fields: Tree): string {
  return fields['is_vacuumcmd'] === true ? 'VACUUM' : 'ANALYZE'
}

function valueOr<T>(entry: T | ((fields: Tree) => T), fields: Tree): T {
  return entry instanceof Function ? entry(fields) : entry
}

function handlerOf(type: string, definition: Definition): Handler {
  return (fields, walk) => {
    const { draft, use } = walk
    const verb = valueOr(definition.verb, fields)
    const action = valueOr(definition.action, fields)
    const flags = valueOr(definition.flags ?? [], fields)
    const category = valueOr(definition.category, fields)
    const outer = draft.verb === ''
    if (outer) draft.verb = verb
    // Names, lengths and options are literals too: such texts are not worth keeping without them.
    draft.literalsMatter = true
    if (definition.changesCatalog !== false) draft.changesCatalog = true
    const renamed = type === 'RenameStmt' ? textOf(fields['newname']) : undefined
    if (renamed !== undefined && isTree(fields['relation'])) draft.shadows.push(renamed)
    const before = draft.operations.length
    walk.use = { action, verb, flags, category }
    const named = definition.objects?.(fields) ?? { objects: [], relations: [], covered: [] }
    for (const object of named.objects) draft.add(action, verb, object, flags, category)
    for (const relation of named.relations) draft.touch(action, verb, relation, flags, category)
    walk.children(type, fields, named.covered)
    walk.use = use
    if (type === 'CreateSchemaStmt')
      placeIn(textOf(fields['schemaname']), draft.operations.slice(before))
    const own = draft.operations
      .slice(before)
      .some(each => each.action === action && each.verb === verb)
    if (!own) draft.add(action, verb, undefined, flags, category)
  }
}

/** What CREATE SCHEMA holds is made in that schema. */
function placeIn(schema: string | undefined, operations: readonly DraftOperation[]): void {
  for (const each of operations) {
    if (each.action === 'define' && each.relation?.schema === undefined && each.relation) {
      each.relation = { schema, name: each.relation.name }
    }
  }
}

export const definitionStatements: Readonly<Record<string, Handler>> = Object.fromEntries(
  Object.entries(definitions).map(([type, each]) => [type, handlerOf(type, each)]),
)
