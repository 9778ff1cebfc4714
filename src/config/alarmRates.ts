/** False alarms for each hour of background at which recall is told, and that scans may allow, of each class. */
export const ALARM_RATES = [1, 5, 20] as const
export type AlarmRate = (typeof ALARM_RATES)[number]

/** What makes events of classes of which no event was tested in the field: what is more likely one than none, among its background. */
export const UNMEASURED_THRESHOLD = 0.5

/** Events of a class an hour, beyond the false alarms that are allowed, of which a scan says that they are many: one in two minutes. */
export const OFTEN = 30

/** A test with fewer events of a class than this may have drawn what is easy or what is hard. */
export const FEW_EVENTS = 10
/**
 * False alarms that a test has room for at a rate, at least: where three are to be expected, none at all come once in twenty
 * times, so a test with room for fewer does not tell the rate from a higher one.
 */
export const FEW_ALARMS = 3
