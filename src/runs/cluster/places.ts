import { Deferred, Effect } from "effect"
import type { Member } from "./roster.ts"

/** A place at a worker: waited for, then had. */
export interface Place {
  /** Addresses of workers that are taken only where there is no other. */
  readonly avoid: ReadonlySet<string>
  readonly member: Deferred.Deferred<Member>
  at: string | undefined
}

/** The places at the workers that are there, each worker's as many as its capacity; who waits first is served first. */
export const makePlaces = () => {
  let members: ReadonlyArray<Member> = []
  const waiting: Array<Place> = []
  const busy = new Map<string, number>()

  const room = ({ id, capacity }: Member): number => capacity - (busy.get(id) ?? 0)
  const choose = (avoid: ReadonlySet<string>): Member | undefined => {
    const ready = members.filter(({ status, lanes }) => status === "ready" && lanes.length > 0)
    const others = ready.filter(({ address }) => !avoid.has(address))
    return (others.length > 0 ? others : ready)
      .filter((member) => room(member) > 0)
      .sort((a, b) => room(b) - room(a))[0]
  }
  const pump = () => {
    for (let i = 0; i < waiting.length; ) {
      const place = waiting[i]!
      const member = choose(place.avoid)
      if (member === undefined) i++
      else {
        waiting.splice(i, 1)
        place.at = member.id
        busy.set(member.id, (busy.get(member.id) ?? 0) + 1)
        Deferred.doneUnsafe(place.member, Effect.succeed(member))
      }
    }
  }

  return {
    members: () => members,
    /** These workers are there now. */
    see: (now: ReadonlyArray<Member>) => {
      members = now
      pump()
    },
    enter: (avoid: ReadonlySet<string>): Place => {
      const place: Place = { avoid, member: Deferred.makeUnsafe(), at: undefined }
      waiting.push(place)
      pump()
      return place
    },
    leave: (place: Place) => {
      const i = waiting.indexOf(place)
      if (i >= 0) waiting.splice(i, 1)
      if (place.at !== undefined) busy.set(place.at, busy.get(place.at)! - 1)
      pump()
    }
  }
}
