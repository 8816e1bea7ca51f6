-- The health of a PasscodeReset.
--   Healthy      Complete; or a replay, as in a rebuilt cluster: created after its own expirationTime, so that nothing was sent for it
--   Degraded     Rejected or Failed
--   Suspended    waits for its time, for its IntuneTenant to be resumed, for people, for a policy, or for the phone, which may
--                take days
--   Progressing  everything else: the operator goes on by itself
local waits = {
  Scheduled = true, Suspended = true, HeldByAdmission = true, WaitingForDevice = true, AwaitingApproval = true, OutsideHours = true,
  PolicyNotReady = true, IdentityNotEnforced = true,
}
local health = {status = "Progressing", message = "The operator has not seen this object yet"}

-- observedGeneration is -1 until it has.
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end

for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.type == "Ready" then
    health.message = condition.reason .. ": " .. condition.message
    if waits[condition.reason] then
      health.status = "Suspended"
    end
  end
end

-- Both are of one form, and so compare as texts.
local expiration = (obj.status.effective or {}).expirationTime
local replay = expiration ~= nil and obj.metadata.creationTimestamp ~= nil and obj.metadata.creationTimestamp > expiration

if obj.status.outcome == "Complete" or (obj.status.outcome ~= nil and replay) then
  health.status = "Healthy"
elseif obj.status.outcome == "Rejected" or obj.status.outcome == "Failed" then
  health.status = "Degraded"
end
return health
