export {
  INSPECT_PROFILES,
  type InspectLimits,
  type InspectProfile,
  type InspectReport,
  inspect,
} from "./inspect/inspect.ts";
