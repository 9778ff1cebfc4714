import type { Page } from "./page.ts"
import { annotationsPage } from "./pages/annotationsPage.ts"
import { eventsPage } from "./pages/eventsPage.ts"
import { fieldPage } from "./pages/fieldPage.ts"
import { modelsPage } from "./pages/modelsPage.ts"
import { overviewPage } from "./pages/overviewPage.ts"
import { reviewPage } from "./pages/reviewPage.ts"
import { runsPage } from "./pages/runsPage.ts"
import { trainingDataPage } from "./pages/trainingDataPage.ts"
import { tryPage } from "./pages/tryPage.ts"
import { workersPage } from "./pages/workersPage.ts"

/** Every page in the order of the navigation, the one to begin with first; `name` is its address after the #, before a `?`. */
export const PAGES: ReadonlyArray<{
  readonly name: string
  readonly title: string
  /** `asked` is what its address says after the `?`. */
  readonly load: (asked: URLSearchParams) => Promise<Page>
}> = [
  { name: "overview", title: "Overview", load: overviewPage },
  { name: "data", title: "Training data", load: trainingDataPage },
  { name: "review", title: "Review", load: reviewPage },
  { name: "runs", title: "Runs", load: runsPage },
  { name: "field", title: "Field", load: fieldPage },
  { name: "events", title: "Events", load: eventsPage },
  { name: "annotations", title: "Annotations", load: annotationsPage },
  { name: "models", title: "Models", load: modelsPage },
  { name: "try", title: "Try it", load: tryPage },
  { name: "workers", title: "Workers", load: workersPage }
]
