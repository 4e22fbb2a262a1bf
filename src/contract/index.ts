// The REST contract: what the server checks and what every client may rely on.
import type { z } from 'zod'
import type * as certificates from './certificates.ts'
import type * as channels from './channels.ts'
import type * as evidence from './evidence.ts'
import type * as explanation from './explanation.ts'
import type * as now from './now.ts'
import type * as people from './people.ts'
import type * as policySchemas from './policies.ts'
import type * as precedents from './precedents.ts'
import type * as schemas from './schemas.ts'
import type * as terminal from './terminal.ts'
import type * as time from './time.ts'

export { grantable } from './actions.ts'
export * as certificateSchemas from './certificates.ts'
export * as channelSchemas from './channels.ts'
export * as evidenceSchemas from './evidence.ts'
export * as explanationSchemas from './explanation.ts'
export * as nowSchemas from './now.ts'
export { API_BASE, paths } from './paths.ts'
export * as peopleSchemas from './people.ts'
export * as policySchemas from './policies.ts'
export * as precedentSchemas from './precedents.ts'
export * as schemas from './schemas.ts'
export { SHORTEST_TEXT, sessionQuery } from './session-search.ts'
export * as terminalSchemas from './terminal.ts'
export * as timeSchemas from './time.ts'
export * as withdrawalSchemas from './withdrawal.ts'

export type PrincipalView = z.infer<typeof schemas.principal>
export type DeviceCode = z.infer<typeof schemas.deviceCode>
export type SignedIn = z.infer<typeof schemas.signedIn>
export type ResourceView = z.infer<typeof schemas.resource>
export type CredentialView = z.infer<typeof schemas.credential>
export type IssuedCredential = z.infer<typeof schemas.issuedCredential>
export type IssuedCertificate = z.infer<typeof certificates.issuedCertificate>
export type KnownHosts = z.infer<typeof certificates.knownHosts>
export type AccessRequestView = z.infer<typeof schemas.accessRequest>
export type PrecedentView = z.infer<typeof precedents.precedent>
export type TimeQuestion = z.input<typeof time.timeQuestion>
export type ExplanationView = z.infer<typeof explanation.explanation>
export type TypedCommandsView = z.infer<typeof terminal.typedCommands>
export type ShownScreenView = z.infer<typeof terminal.shownScreen>
export type TypedInputView = z.infer<typeof terminal.typedInput>
export type GrantView = z.infer<typeof schemas.grant>
export type SessionView = z.infer<typeof schemas.session>
export type RecordedEventView = z.infer<typeof schemas.recordedEvent>
export type WhyView = z.infer<typeof schemas.why>
export type WhyQuestion = z.input<typeof schemas.whyQuestion>
export type LiveEvent = z.infer<typeof schemas.liveEvent>
export type ChannelView = z.infer<typeof channels.channel>
export type DeliveryView = z.infer<typeof channels.tested>
export type LogView = z.infer<typeof evidence.log>
export type HeadView = z.infer<typeof evidence.head>
export type AuditRecordView = z.infer<typeof schemas.auditRecord>
export type RatesView = z.infer<typeof now.rates>
export type NowView = z.infer<typeof now.now>
export type KnownPrincipalView = z.infer<typeof people.knownPrincipal>
export type PrincipalDetail = z.infer<typeof people.principalDetail>
export type PrincipalPage = z.infer<typeof people.principalPage>
export type RunView = z.infer<typeof people.run>
export type RunDetail = z.infer<typeof people.runDetail>
export type PoliciesView = z.infer<typeof policySchemas.policies>
export type PolicySummaryView = z.infer<typeof policySchemas.policySummary>
export type PolicyProblem = z.infer<typeof policySchemas.policyProblem>
export type PolicyChange = z.infer<typeof policySchemas.policyChanges>[number]
export type PolicyTried = z.infer<typeof policySchemas.policyTried>
export type PolicyWhyAnswer = z.infer<typeof policySchemas.policyWhyAnswer>
export type PolicyReplayed = z.infer<typeof policySchemas.policyReplayed>
export type PolicyVersionView = z.infer<typeof policySchemas.policyVersion>
export type PolicyVersionFiles = z.infer<typeof policySchemas.policyVersionFiles>
export type DataClassView = z.infer<typeof policySchemas.dataClass>
export type DataClassesView = z.infer<typeof policySchemas.dataClasses>
export type ProblemView = z.infer<typeof schemas.problem>
