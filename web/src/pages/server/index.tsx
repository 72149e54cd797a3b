import { Navigate, Route, Routes } from 'react-router'
import { Shell } from '../../app/Shell'
import { Account } from './Account'
import { Accounts } from './Accounts'
import { Audit } from './Audit'
import { Device } from './Device'
import { NoServerPage } from './NoServerPage'
import { SetUp } from './SetUp'
import { SignIn } from './SignIn'
import { Workspaces } from './Workspaces'

/** The pages of a server itself, by their addresses. */
export default function ServerPages() {
  return (
    <Routes>
      <Route path="sign-in" element={<SignIn />} />
      <Route path="setup" element={<SetUp />} />
      <Route element={<Shell />}>
        <Route index element={<Navigate to="/workspaces" replace />} />
        <Route path="workspaces" element={<Workspaces />} />
        <Route path="account" element={<Account />} />
        <Route path="device" element={<Device />} />
        <Route path="accounts" element={<Accounts />} />
        <Route path="audit" element={<Audit />} />
        <Route path="*" element={<NoServerPage />} />
      </Route>
    </Routes>
  )
}
