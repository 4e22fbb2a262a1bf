// Telling people outside what waits for them, and what they answer there. Who may decide is the gateway's to say.
export type { Claimant, Decision, Incoming } from './channel.ts'
export { type ChannelStatus, Channels } from './channels.ts'
export type { Delivery } from './deliveries.ts'
export { type ChannelTables, channelMigrations } from './tables.ts'
export { toldEntry } from './told.ts'
