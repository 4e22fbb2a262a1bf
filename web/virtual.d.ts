/// <reference path="../src/engines/terminal/headless.d.ts" />
// What vite.config.ts makes while it builds.
declare module 'virtual:detector-figures' {
  export const figures: readonly {
    readonly detector: string
    readonly corpus: string
    readonly labels: string
    readonly precision: string
    readonly recall: string
  }[]
}
