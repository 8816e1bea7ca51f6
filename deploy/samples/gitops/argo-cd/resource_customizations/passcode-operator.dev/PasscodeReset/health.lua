-- The health of a PasscodeReset.
--   Healthy      Complete
--   Degraded     Rejected or Failed
--   Suspended    waits for its time, for its IntuneTenant to be resumed, for a policy of the cluster, or for the phone, which may
--                take days
--   Progressing  everything else: the operator goes on by itself
local health = {status = "Progressing", message = "The operator has not seen this object yet"}

-- observedGeneration is -1 until it has.
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end

for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.type == "Ready" then
    health.message = condition.reason .. ": " .. condition.message
    if condition.reason == "Scheduled" or condition.reason == "Suspended" or condition.reason == "HeldByAdmission" or
      condition.reason == "WaitingForDevice" then
      health.status = "Suspended"
    end
  end
end

if obj.status.outcome == "Complete" then
  health.status = "Healthy"
elseif obj.status.outcome == "Rejected" or obj.status.outcome == "Failed" then
  health.status = "Degraded"
end
return health
