// The shapes that most of the REST API speaks in: one zod schema each, from which the OpenAPI document, the checks at run time
// and the types of every client come. What one screen or command asks for alone has a file and a name of its own.
export * from './events.ts'
export * from './identity.ts'
export * from './problem.ts'
export * from './requests.ts'
export * from './resources.ts'
export * from './sessions.ts'
export * from './why.ts'
