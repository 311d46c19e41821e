// Walks each feed of the hub at the address with OpenActive's own validator (RPDE 1). A failure of any rule fails the run.
const { RpdeValidator } = require("@openactive/rpde-validator");

const hub = process.argv[2];
const options = { pageLimit: 200, requestDelayMs: 1, timeoutMs: 30000, logCallback: () => {} };

async function main() {
  let failed = 0;
  for (const feed of ["slots", "facilities", "vacancies", "procedures"]) {
    for (const limit of ["", "?limit=7"]) {
      const log = await RpdeValidator(`${hub}/v1/feeds/${feed}${limit}`, options);
      const found = log.pages.flatMap((page) => page.errors.map((error) => ({ page: page.url, ...error.data })));
      const failures = found.filter((error) => error.severity === "failure");
      failures.forEach((failure) => console.error(feed, failure.page, failure.type, failure.message));
      failed += failures.length;
      console.log(`RPDE: ${feed}${limit}: ${log.pages.length} pages, ${failures.length} failures`);
    }
  }
  process.exitCode = failed > 0 ? 1 : 0;
}

main();
