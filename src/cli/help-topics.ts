/** What `cortex help TOPIC` prints for topics that are no commands. */
export const helpTopics: Readonly<Record<string, string>> = {
  "exit-codes": `Exit statuses:
  0    done; \`diff\`: no difference
  1    failed; \`diff\`: some difference; \`predict\`: the answer was no 2xx
  2    the command line or a configuration file is wrong
  3    not authorised
  4    not found
  5    timed out
  6    a conflict with somebody else's change
  7    no capacity, or a quota is used up
  130  interrupted
`,
  variables: `Environment variables:
  CORTEX_HOME              folder of what Cortex keeps (default: ~/.cortex)
  CORTEX_ENV               environment to use without -e
  CORTEX_PYTHON            Python that handlers run with (default: python3 on the PATH)
  CORTEX_LOCAL_PORT        port of the local gateway (default: 8888)
  CORTEX_NO_INPUT          never ask; a question becomes an error that names the flag
  CORTEX_NO_UPDATE_NOTICE  do not tell of newer versions of this program
  CORTEX_RELEASES_URL      where \`cortex upgrade\` finds releases (default: the project's own)
  CORTEX_DEBUG=1           print stacks of errors
  AWS_PROFILE              whose credentials AWS is shown, as for every program of AWS; so is AWS_REGION
  NO_COLOR                 no colour
  FORCE_COLOR              colour even where it is no terminal
  CI                       a job, not a person: plain lines, no questions
`,
};
