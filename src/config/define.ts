import type { Schema } from "effect"

/** An environment variable, as `--help` and docs/operating.md describe it. */
export interface Setting {
  readonly name: string
  /** What holds where it is not set: a value, or words. */
  readonly fallback: string
  readonly description: string
}

/** The same, and how it is read. */
export interface Definition<A> extends Setting {
  /** Completes "must be ...". */
  readonly allowed: string
  readonly schema: Schema.ConstraintDecoder<A>
  /** Whether an error must not repeat the value. */
  readonly secret?: boolean
}

/** Keeps the type of what is defined. */
export const define = <A>(definition: Definition<A>): Definition<A> => definition
