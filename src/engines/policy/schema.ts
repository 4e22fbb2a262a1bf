// The Cedar schema of our policies, written from the model: a new action or flag of the model is in it at once.
import { actions, type Flag, flags } from '#model'

/** What the engine asks for besides the model's actions. */
export const consoleActions = [
  'console:read',
  'console:audit',
  'console:operate',
  'console:administer',
] as const
export type ConsoleAction = (typeof consoleActions)[number]

/** Facts that hold for a request of any kind. */
const shared = `  approved: Bool,
  reason?: String,
  mfa: Bool,
  channel?: String,
  breakGlass: Bool,
  autonomous: Bool,
  onBehalfOf?: User,
  client: String,
  ip: __cedar::ipaddr,
  hour: Long,
  weekday: Long,
  run: { rows: Long, bytes: Long, statements: Long },`

function flagLine(flag: Flag): string {
  return `  ${flag}: Bool,`
}

/** The schema's text. The same in each run: `sallyport policy` prints it for editors. */
export function schemaText(): string {
  return `// The Cedar schema of Sallyport, generated from its model.
entity Group;
entity User in [Group] {
  name: String,
  subject: String,
  issuer: String,
};
entity Agent in [Group] {
  name: String,
  subject: String,
  issuer: String,
  owners: Set<String>,
};
// Tag::"env=production"
entity Tag;
entity Resource in [Tag] {
  name: String,
} tags String;
// Object::"shop/public.customers"
entity Object in [Resource] {
  kind: String,
  name: String,
  schema?: String,
};
entity DataClass;
// Named parts of a statement: context.fields.getTag("/amount")
entity Fields tags Set<String>;
entity Numbers tags Long;
entity Gateway;

type Facts = {
${shared}
};

type Statement = {
  verb: String,
  category: String,
  flags: Set<String>,
${flags.map(flagLine).join('\n')}
  columns: Set<String>,
  functions: Set<String>,
  text: String,
  parameters?: Set<String>,
  fields: Fields,
  numbers: Numbers,
  tunnel?: { direction: String, kind: String, host: String, port: Long },
${shared}
};

type Reveal = {
  resource: Resource,
  object: String,
  column: String,
${shared}
};

${actions.map(actionText).join('\n')}
action approve appliesTo {
  principal: [User],
  resource: [Resource],
  context: Statement,
};
action approve_by_channel appliesTo {
  principal: [User, Agent],
  resource: [Resource],
  context: Statement,
};
action break_glass appliesTo {
  principal: [User],
  resource: [Resource],
  context: Facts,
};
${consoleActions.map(consoleText).join('\n')}
`
}

function actionText(action: (typeof actions)[number]): string {
  const reveal = action === 'reveal'
  const resource = reveal ? 'DataClass' : action === 'connect' ? 'Resource' : 'Resource, Object'
  return `action ${action} appliesTo {
  principal: [User, Agent],
  resource: [${resource}],
  context: ${reveal ? 'Reveal' : 'Statement'},
};`
}

function consoleText(action: ConsoleAction): string {
  return `action "${action}" appliesTo {
  principal: [User, Agent],
  resource: [Gateway],
  context: Facts,
};`
}
