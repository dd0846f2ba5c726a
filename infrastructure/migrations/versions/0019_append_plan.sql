-- One plan of the append's statements for every batch: planning took longer than a small batch itself, and the plan does
-- not depend on the values, since every look-up goes by an index.
ALTER FUNCTION log.append SET plan_cache_mode = force_generic_plan;
